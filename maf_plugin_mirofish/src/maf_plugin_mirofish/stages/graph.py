"""Stage 1: from the report to a graph of who and what it is about."""

from __future__ import annotations

import hashlib
import time

from maf_plugin_mirofish.errors import BrokenError, RefusedError, StageError
from maf_plugin_mirofish.models import Project, Started, Task
from maf_plugin_mirofish.stages.work import Work

_BAD_REQUEST = 400
_NEWEST = 200


async def graph(work: Work) -> None:
    """Upload the report, have its ontology made, have the graph built."""
    if not work.progress.project_id:
        await work.note(project_id=await _project(work))
    project = await _look_up(work)
    # Begun by a worker that died before it could write the task down, or built by a task that was forgotten.
    if not work.progress.graph_task_id and not _built(project):
        running = project.status == "graph_building" and not work.run.again("graph")
        await work.note(graph_task_id=project.graph_build_task_id if running else await _build(work))
    if not _built(project):
        project = await _finished(work)
    await work.note(graph_id=project.graph_id)


async def _project(work: Work) -> str:
    """The project of this report: what an earlier worker had made, else a new one."""
    if work.progress.ontology_asked_at and (found := await _left_behind(work)):
        return found
    await work.note(ontology_asked_at=time.time())
    try:
        made = await work.client.upload(
            Project, "/api/graph/ontology/generate", _form(work), _text(work), work.settings.ontology_timeout_s
        )
    except (RefusedError, BrokenError) as error:
        if isinstance(error, RefusedError) or error.answered:  # nothing is under way
            await work.note(ontology_asked_at=0.0)
        raise
    return made.project_id


async def _left_behind(work: Work) -> str | None:
    """The project that an earlier upload gave; waits for as long as that upload may still be worked on."""
    until = work.progress.ontology_asked_at + work.settings.ontology_timeout_s

    async def look() -> list[Project]:
        return await work.client.get(list[Project], "/api/graph/project/list", limit=_NEWEST)

    def usable(projects: list[Project]) -> list[str]:
        mine = [project for project in projects if project.name == name_of(work.run.id)]
        return [project.project_id for project in mine if project.status not in ("", "created")]

    found = await work.wait(look, lambda projects: bool(usable(projects)) or time.time() > until, lambda _: time.time())
    return next(iter(usable(found)), None)


async def _look_up(work: Work) -> Project:
    asked = work.client.get(Project, f"/api/graph/project/{work.progress.project_id}")
    return await work.known(asked, "ontology_asked_at", "the project")


async def _build(work: Work) -> str:
    body = {"project_id": work.progress.project_id, "force": work.run.again("graph")}
    try:
        return (await work.client.post(Started, "/api/graph/build", body)).task_id
    except RefusedError as error:
        task_id = error.body.get("task_id")
        if error.status == _BAD_REQUEST and isinstance(task_id, str) and task_id:  # it is being built already
            return task_id
        raise


async def _finished(work: Work) -> Project:
    async def look() -> Task:
        return await work.client.get(Task, f"/api/graph/task/{work.progress.graph_task_id}")

    task = await work.wait_for_task(look)
    project = await _look_up(work)
    if not _built(project):
        raise StageError("the build left no graph" if task else "the build was lost when MiroFish was restarted")
    return project


def _built(project: Project) -> bool:
    return project.status == "graph_completed" and bool(project.graph_id)


def name_of(run_id: str) -> str:
    """What the project of a report is called, so that it can be found again."""
    return f"maf {hashlib.sha256(run_id.encode()).hexdigest()[:24]}"


def _form(work: Work) -> dict[str, str]:
    requirement = (
        f"How do people who read this report about {work.run.symbol} react to it, and do they expect the price of "
        f"{work.run.symbol} to rise or to fall within {work.settings.horizon_hours} hours?"
    )
    return {"simulation_requirement": requirement, "project_name": name_of(work.run.id)}


def _text(work: Work) -> str:
    return f"# {work.run.title}\n\n{work.run.text}"[: work.settings.max_text_chars]

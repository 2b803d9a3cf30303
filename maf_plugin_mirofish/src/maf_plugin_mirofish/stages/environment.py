"""Stage 2: from the graph to people with opinions and habits."""

from __future__ import annotations

from maf_plugin_mirofish.errors import HopelessError, StageError
from maf_plugin_mirofish.models import Simulation, Started, Task
from maf_plugin_mirofish.stages.work import Work, last_line


async def environment(work: Work) -> None:
    """Create the simulation and have it prepared."""
    if not work.progress.simulation_id:
        await work.note(simulation_id=await _simulation(work))
    simulation = await _look_up(work)
    afresh = work.run.again("environment")
    if not work.progress.prepare_task_id and (afresh or not await _ready(work)):
        # Being prepared for a worker that died before it could write the task down: waiting costs nothing.
        if simulation.status == "preparing" and not afresh:
            await work.wait(lambda: _ready(work), bool, lambda _: None)
        else:
            await work.note(prepare_task_id=await _prepare(work))
    if work.progress.prepare_task_id:
        await _finished(work)
    await work.note(prepared=True)


async def _simulation(work: Work) -> str:
    """The simulation of this project: what an earlier worker created, else a new one."""
    project_id = work.progress.project_id
    left = await work.client.get(list[Simulation], "/api/simulation/list", project_id=project_id)
    mine = [one.simulation_id for one in left if one.project_id == project_id and one.status != "failed"]
    if mine:
        return mine[0]
    # With one platform alone it never counts as prepared.
    platforms = {"enable_twitter": True, "enable_reddit": True}
    body = {"project_id": project_id, "graph_id": work.progress.graph_id, **platforms}
    created = work.client.post(Simulation, "/api/simulation/create", body)
    return (await work.known(created, "ontology_asked_at", "the project")).simulation_id


async def _look_up(work: Work) -> Simulation:
    asked = work.client.get(Simulation, f"/api/simulation/{work.progress.simulation_id}")
    return await work.known(asked, "simulation_id", "the simulation")


async def _prepare(work: Work) -> str:
    """The id of the task that prepares it; empty when it is prepared already."""
    body = {
        "simulation_id": work.progress.simulation_id,
        "parallel_profile_count": work.settings.parallel_profiles,
        "force_regenerate": work.run.again("environment"),
    }
    started = work.client.post(Started, "/api/simulation/prepare", body, work.settings.prepare_timeout_s)
    answer = await work.known(started, "simulation_id", "the simulation")
    if not answer.task_id and not answer.already_prepared:
        raise StageError("MiroFish neither prepares the simulation nor says that it is prepared")
    return answer.task_id


async def _finished(work: Work) -> None:
    # By its task only: with the simulation's id an old preparation would answer for the new one.
    task = await work.wait_for_task(lambda: _status(work, task_id=work.progress.prepare_task_id))
    if task is None:
        if not await _ready(work):
            raise StageError("the preparation was lost when MiroFish was restarted")
    elif task.result.get("status") == "failed":
        # "completed" all the same: it found nobody in the graph, and will not find anybody the next time.
        why = last_line(str(task.result.get("error") or ""))
        raise HopelessError(f"nobody can be simulated: the report names nobody who could have an opinion ({why})")


async def _ready(work: Work) -> bool:
    return (await _status(work, simulation_id=work.progress.simulation_id)).status == "ready"


async def _status(work: Work, **ids: str) -> Task:
    return await work.client.post(Task, "/api/simulation/prepare/status", ids)

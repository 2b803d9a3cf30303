"""Stage 4: have MiroFish write down what happened."""

from __future__ import annotations

from maf_plugin_mirofish.errors import StageError
from maf_plugin_mirofish.models import MadeReport, ReportCheck, Started, Task
from maf_plugin_mirofish.stages.work import Work

_SHORT = 2000


async def report(work: Work) -> None:
    """Have the report generated, and keep its title and summary."""
    if not work.progress.report_task_id:
        await _begin(work)
    if work.progress.report_task_id:
        await _finished(work)
    asked = work.client.get(MadeReport, f"/api/report/{work.progress.report_id}")
    made = await work.known(asked, "report_task_id", "the report")
    title, summary = (made.outline.title, made.outline.summary) if made.outline else ("", "")
    await work.note(title=title[:_SHORT], summary=summary[:_SHORT], reported=True)


async def _begin(work: Work) -> None:
    """Have it generated, unless that was done, or begun by a worker that died before it could write the task down."""
    afresh = work.run.again("report")
    left = ReportCheck() if afresh else await _check(work)
    if left.report_status in ("pending", "planning", "generating"):
        left = await work.wait(lambda: _check(work), _ended, lambda found: found.report_status)
    if left.report_status == "completed":
        await work.note(report_id=left.report_id)
        return
    body = {"simulation_id": work.progress.simulation_id, "force_regenerate": afresh}
    started = work.client.post(Started, "/api/report/generate", body)
    answer = await work.known(started, "simulation_id", "the simulation")
    if not answer.task_id and not answer.already_generated:
        raise StageError("MiroFish neither writes the report nor says that it is written")
    await work.note(report_task_id=answer.task_id, report_id=answer.report_id)


async def _finished(work: Work) -> None:
    async def look() -> Task:
        # By its task only: with the simulation's id an older report would answer for the new one.
        return await work.client.post(Task, "/api/report/generate/status", {"task_id": work.progress.report_task_id})

    task = await work.wait_for_task(look)
    if task is not None:
        made = task.result.get("report_id")
        await work.note(report_id=made if isinstance(made, str) and made else work.progress.report_id)
        return
    left = await _check(work)
    if left.report_status != "completed":
        raise StageError("the report was lost when MiroFish was restarted")
    await work.note(report_id=left.report_id)


async def _check(work: Work) -> ReportCheck:
    return await work.client.get(ReportCheck, f"/api/report/check/{work.progress.simulation_id}")


def _ended(check: ReportCheck) -> bool:
    return check.report_status not in ("pending", "planning", "generating")

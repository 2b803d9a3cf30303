"""After the last stage: end the process that waits for further questions."""

from __future__ import annotations

import structlog

from maf_plugin_mirofish.errors import MiroFishError
from maf_plugin_mirofish.models import Answer
from maf_plugin_mirofish.stages.simulation import run_state
from maf_plugin_mirofish.stages.work import Work

log = structlog.get_logger(__name__)


async def close(work: Work) -> None:
    """Close the simulation's environment, or stop it where it still runs. Best effort: nothing rests on it."""
    if not work.progress.simulation_id:
        return
    try:
        await _close(work, await _status(work))
    except MiroFishError as error:
        log.warning("simulation_not_closed", simulation_id=work.progress.simulation_id, reason=str(error))


async def _status(work: Work) -> str:
    try:
        return (await run_state(work)).runner_status
    except MiroFishError:
        return "unknown"


async def _close(work: Work, status: str) -> None:
    body = {"simulation_id": work.progress.simulation_id}
    if status in ("starting", "running"):
        await work.client.post(Answer, "/api/simulation/stop", body)
    elif status != "idle":
        await work.client.post(Answer, "/api/simulation/close-env", {**body, "timeout": work.settings.timeout_s})

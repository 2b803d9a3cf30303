"""Stage 3: let the people talk."""

from __future__ import annotations

from maf_plugin_mirofish.errors import RefusedError, StageError, VanishedError
from maf_plugin_mirofish.models import RunState, Task
from maf_plugin_mirofish.stages.work import Work, last_line

_BAD_REQUEST = 400
_OVER = ("completed", "failed", "stopped", "paused", "idle")


async def simulation(work: Work) -> None:
    """Start the simulation on both platforms, for so many rounds, and wait for its end."""
    if not work.progress.started:
        state = await run_state(work)
        # Started by a worker that died before it could write that down.
        if state.runner_status not in ("starting", "running", "completed") or work.run.again("simulation"):
            await _start(work, afresh=state.runner_status != "idle")
        await work.note(started=True)
    state = await work.wait(lambda: run_state(work), lambda now: now.runner_status in _OVER, _sign)
    if state.runner_status != "completed":
        why = last_line(state.error) if state.error else "no reason given"
        raise StageError(f"the simulation is {state.runner_status} instead of completed: {why}")
    await work.note(finished=True)


async def run_state(work: Work) -> RunState:
    """How far the simulation is; unknown ones are `idle`."""
    return await work.client.get(RunState, f"/api/simulation/{work.progress.simulation_id}/run-status")


async def _start(work: Work, *, afresh: bool) -> None:
    body = {
        "simulation_id": work.progress.simulation_id,
        # One platform alone writes no log from which anybody could tell that it has ended.
        "platform": "parallel",
        # The hours to simulate are chosen by a model, without an upper bound.
        "max_rounds": work.settings.max_rounds,
        "force": afresh,
    }
    try:
        await work.known(work.client.post(RunState, "/api/simulation/start", body), "simulation_id", "the simulation")
    except RefusedError as error:
        if error.status == _BAD_REQUEST and not await _prepared(work):
            raise VanishedError("The simulation is not prepared any more.", "prepare_task_id") from error
        raise


async def _prepared(work: Work) -> bool:
    body = {"simulation_id": work.progress.simulation_id}
    return (await work.client.post(Task, "/api/simulation/prepare/status", body)).status == "ready"


def _sign(state: RunState) -> object:
    return state.runner_status, state.current_round, state.total_actions_count

"""Stage 3 of MiroFish, and the interviews: a subprocess that simulates, and then waits for questions."""

from __future__ import annotations

import time
from typing import Any

from maf_plugin_mirofish.testing.answers import Reply, ok, refused
from maf_plugin_mirofish.testing.asked import Asked
from maf_plugin_mirofish.testing.simulation_routes import prepared
from maf_plugin_mirofish.testing.world import Process, Row, World, now

_PREFIX = "请直接用文字回答，不要调用任何工具：\n"
_HOURS = 72


def start(world: World, asked: Asked) -> Reply:
    """Start the subprocess. What is stopped is not prepared any more."""
    body, simulation = asked.body, world.simulations.get(str(asked.body.get("simulation_id")))
    rounds = body.get("max_rounds", _HOURS)
    if not body.get("simulation_id") or body.get("platform", "parallel") not in ("parallel", "twitter", "reddit"):
        return refused(400)
    if not isinstance(rounds, int) or rounds <= 0:
        return refused(400)
    if simulation is None:
        return refused(404)
    running = simulation["simulation_id"] in world.processes
    if not prepared(simulation) or (running and not body.get("force")):
        return refused(400)
    return ok(_started(world, simulation, min(rounds, _HOURS)), max_rounds_applied=rounds)


def _started(world: World, simulation: Row, rounds: int) -> Row:
    world.pay("run")
    simulation_id = simulation["simulation_id"]
    simulation["status"] = "running"
    seconds = float("inf") if world.troubled("run_stuck") else world.seconds["run"]
    seconds = 10_000.0 if world.troubled("run_endless") else seconds
    world.processes[simulation_id] = Process(time.monotonic(), seconds, rounds)
    state: Row = {"simulation_id": simulation_id, "runner_status": "running", "current_round": 0}
    state |= {"total_rounds": rounds, "progress_percent": 0.0, "total_actions_count": 0, "error": None}
    state |= {"started_at": now(), "updated_at": now(), "completed_at": None, "process_pid": 4711}
    world.run_states[simulation_id] = state
    return state


def run_status(world: World, asked: Asked) -> Reply:
    """Never 404: what was never started is idle, with fewer fields."""
    state = world.run_states.get(asked.name)
    if state is None:
        idle: Row = {"simulation_id": asked.name, "runner_status": "idle", "current_round": 0, "total_rounds": 0}
        return ok({**idle, "progress_percent": 0, "total_actions_count": 0})
    process = world.processes.get(asked.name)
    if process is not None and state["runner_status"] == "running":
        _advance(world, state, process)
    return ok(state)


def _advance(world: World, state: Row, process: Process) -> None:
    share = min(1.0, (time.monotonic() - process.started_at) / max(process.seconds, 1e-9))
    state.update(current_round=int(share * process.rounds), total_actions_count=int(share * 500), updated_at=now())
    if world.troubled("run_failed"):
        world.processes.pop(state["simulation_id"])
        state.update(runner_status="failed", error="进程退出码: 1, 错误: …\nModuleNotFoundError: oasis")
    elif world.troubled("run_stopped"):
        _stop(world, state)
    elif share >= 1.0:
        state.update(runner_status="completed", completed_at=now())


def stop(world: World, asked: Asked) -> Reply:
    """The run is stopped; the simulation is `paused`, and so not prepared."""
    state = world.run_states.get(str(asked.body.get("simulation_id")))
    if state is None or state["runner_status"] not in ("running", "paused"):
        return refused(400)
    _stop(world, state)
    return ok(state)


def _stop(world: World, state: Row) -> None:
    world.processes.pop(state["simulation_id"], None)
    state["runner_status"] = "stopped"
    world.simulations[state["simulation_id"]]["status"] = "paused"


def env_status(world: World, asked: Asked) -> Reply:
    """Whether the subprocess answers questions."""
    alive = _alive(world, str(asked.body.get("simulation_id")))
    return ok({"simulation_id": asked.body.get("simulation_id"), "env_alive": alive, "message": "…"})


def close_env(world: World, asked: Asked) -> Reply:
    """End the subprocess. Success stands inside as well as outside."""
    simulation = world.simulations.get(str(asked.body.get("simulation_id")))
    if simulation is None:
        return refused(400)
    world.processes.pop(simulation["simulation_id"], None)
    simulation["status"] = "completed"
    return ok({"success": True, "message": "环境已关闭", "timestamp": now()})


def interview_batch(world: World, asked: Asked) -> Reply:
    """Ask some agents. Each answer costs a call of a model, and is kept."""
    simulation_id, interviews = asked.body.get("simulation_id"), asked.body.get("interviews")
    if not simulation_id or not isinstance(interviews, list) or not interviews:
        return refused(400)
    if not all("agent_id" in one and "prompt" in one for one in interviews) or not _alive(world, simulation_id):
        return refused(400)
    if world.troubled("interview_timeout"):
        half = interviews[: len(interviews) // 2]
        _answers(world, simulation_id, half)
        return refused(504, "等待响应超时")
    results = _answers(world, simulation_id, interviews)
    result = {"interviews_count": len(results), "results": results}
    return ok({"success": True, "interviews_count": len(results), "result": result, "timestamp": now()})


def _answers(world: World, simulation_id: str, interviews: list[Any]) -> Row:
    results = {}
    for one in interviews:
        world.pay("interview")
        said = world.say(one["agent_id"], one["prompt"])
        row = {"agent_id": one["agent_id"], "response": said, "timestamp": now(), "platform": "reddit"}
        results[f"reddit_{one['agent_id']}"] = row
        world.interviews.setdefault(simulation_id, []).append({**row, "prompt": _PREFIX + one["prompt"]})
    return results


def interview_history(world: World, asked: Asked) -> Reply:
    """What was asked and answered so far."""
    if not asked.body.get("simulation_id"):
        return refused(400)
    found = world.interviews.get(asked.body["simulation_id"], [])[: asked.body.get("limit", 100)]
    return ok({"count": len(found), "history": found})


def _alive(world: World, simulation_id: str) -> bool:
    return simulation_id in world.processes and not world.troubled("env_dead")

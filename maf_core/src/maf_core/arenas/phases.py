"""Run the agents of one phase."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

import structlog

from maf_core.agents.base import Agent
from maf_core.arenas.config import PhaseConfig
from maf_core.arenas.run import RunContext
from maf_core.arenas.state import State, isolated, merge
from maf_core.streams.consume import SERVER_AWAY

log = structlog.get_logger(__name__)


async def run_phase(phase: PhaseConfig, agents: list[Agent], state: State, context: RunContext) -> None:
    """Let the phase's agents work on `state`.

    Patches are merged in declared order, so that the result never depends on who finishes first. An agent that fails
    or takes too long abstains, with the reason; the others go on.
    """
    if phase.pattern == "parallel":
        for patch in await _all([_run_agent(agent, isolated(state), context) for agent in agents]):
            merge(state, patch)
        return
    for agent in agents:
        merge(state, await _run_agent(agent, isolated(state), context))


async def _all(work: list[Coroutine[Any, Any, State]]) -> list[State]:
    """The results in order; when one raises, the others are not left running."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def _run_agent(agent: Agent, own_state: State, context: RunContext) -> dict[str, Any]:
    started = time.perf_counter()
    limit = context.arena.limits.agent_timeout_s
    context.emit("agent.start", agent=agent.name)
    try:
        async with asyncio.timeout(limit):
            patch = _checked(await agent.run(own_state, context))
    except TimeoutError:
        return _failed(agent, context, f"no answer within {limit:g} s")
    except SERVER_AWAY:
        raise
    except Exception as error:
        # An agent is a plugin's code: one that fails must not sink the panel.
        log.exception("agent_failed", agent=agent.name, arena_id=context.request.arena_id)
        return _failed(agent, context, f"{type(error).__name__}: {error}")
    context.emit("agent.complete", agent=agent.name, ms=round((time.perf_counter() - started) * 1000, 3))
    return patch


def _checked(patch: Any) -> dict[str, Any]:
    if not isinstance(patch, dict):
        raise TypeError(f"an agent returns a patch, a dict, not {type(patch).__name__}")
    return {key: isolated(value) for key, value in patch.items()}


def _failed(agent: Agent, context: RunContext, reason: str) -> dict[str, Any]:
    context.emit("agent.error", agent=agent.name, error=reason)
    return {
        "abstentions": {agent.name: reason},
        "signals": {agent.name: None},
        "failures": {agent.name: reason},
    }

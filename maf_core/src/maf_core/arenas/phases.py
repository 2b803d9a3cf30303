"""The patterns of a phase: who speaks when, and who sees what."""

from __future__ import annotations

import asyncio

from maf_core.arenas.config import PhaseConfig
from maf_core.arenas.debate import run_debate
from maf_core.arenas.run import RunContext
from maf_core.arenas.runner import AgentRunner, is_over
from maf_core.arenas.state import State, merge


async def run_phase(phase: PhaseConfig, runner: AgentRunner, state: State, context: RunContext) -> None:
    """Let the phase's agents work on `state`, within the phase's time. What has finished by then counts.

    Patches are merged in declared order, so that the result never depends on who finishes first.
    """
    limit = phase.timeout_s or context.arena.limits.phase_timeout_s
    ends = asyncio.get_running_loop().time() + limit if limit else None
    if phase.pattern == "parallel":
        for patch in await runner.ask(phase.agents, state, ends):
            merge(state, patch)
    elif phase.pattern == "debate":
        await run_debate(phase, runner, state, ends)
    else:
        for agent in phase.agents:
            (patch,) = await runner.ask([agent], state, ends)
            merge(state, patch)
    if is_over(ends):
        context.emit("phase.error", error=f"the phase took longer than {limit:g} s")

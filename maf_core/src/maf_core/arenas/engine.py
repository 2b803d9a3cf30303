"""Runs an arena: phases in order, saved after each one, and a well-formed HOLD if it cannot be finished."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog
from redis.exceptions import RedisError

from maf_core.agents.base import Agent
from maf_core.arenas.config import ArenaConfig, PhaseConfig
from maf_core.arenas.graph import PhaseGraph
from maf_core.arenas.phases import run_phase
from maf_core.arenas.run import FinishedRun, RunContext, RunRequest
from maf_core.arenas.state import State, isolated
from maf_core.arenas.store import RunRecord, RunStore
from maf_core.clock import parse_time
from maf_core.errors import MAFError
from maf_core.records import AgentSpec

if TYPE_CHECKING:
    from maf_core.context import AppContext

log = structlog.get_logger(__name__)


class ArenaEngine:
    """Runs the arenas of one application."""

    def __init__(self, app: AppContext) -> None:
        self._app = app
        self._store = RunStore(app.redis, app.settings.run_retention_s)

    async def run(self, request: RunRequest) -> FinishedRun:
        """Run the requested arena to its end, going on from where an earlier worker stopped.

        Never raises for what goes wrong inside the run: the answer then has `error` and says HOLD.
        """
        arena = self._app.arenas[request.arena]
        record = await self._store.open(request.arena_id, _initial_state(request))
        # A run that is taken up again keeps its present, also when it was asked for without naming one.
        request = replace(request, as_of=parse_time(record.state["as_of"]))
        if record.status == "running":
            await self._finish(_context(self._app, arena, request, record), record)
        return FinishedRun(arena, request, record.correlation_id, record.state, record.seconds, record.error)

    async def _finish(self, context: RunContext, record: RunRecord) -> None:
        started = time.perf_counter() - record.seconds  # what earlier workers spent counts
        context.emit("arena.start", target=context.request.target, as_of=context.as_of.isoformat())
        record.error = await self._failure(context, record, started) or _without_verdict(record.state)
        record.status = "failed" if record.error else "completed"
        record.seconds = time.perf_counter() - started
        record.state["arena_total_seconds"] = round(record.seconds, 6)
        if record.error:
            _hold(record.state, record.error)
            context.emit("arena.error", error=record.error)
            log.warning("run_failed", arena_id=record.arena_id, error=record.error)
        else:
            context.emit("arena.complete", seconds=round(record.seconds, 6))
        await self._store.save(record)

    async def _failure(self, context: RunContext, record: RunRecord, started: float) -> str | None:
        """Go through the phases; None when that went well, else why not."""
        limit = context.arena.limits.run_timeout_s
        try:
            async with asyncio.timeout(limit):
                await self._walk(context.arena, context, record, started)
        except TimeoutError:
            return f"the run took longer than {limit:g} s"
        except MAFError as error:
            return str(error)
        except RedisError:
            raise  # the server is away: another worker goes on from the saved phase
        except Exception as error:
            log.exception("run_broke", arena_id=record.arena_id)
            return f"{type(error).__name__}: {error}"
        finally:
            context.stop_asking()
        return None

    async def _walk(self, arena: ArenaConfig, context: RunContext, record: RunRecord, started: float) -> None:
        graph = PhaseGraph(arena.phases, arena.limits.max_phases)
        phase: PhaseConfig | None = graph.named(record.next_phase) if record.next_phase else graph.first()
        while phase is not None:
            await self._phase(phase, context, record.state)
            phase = graph.after(phase, record.state)
            if phase is not None:
                record.next_phase = phase.name
                record.seconds = time.perf_counter() - started
                await self._store.save(record)

    async def _phase(self, phase: PhaseConfig, context: RunContext, state: State) -> None:
        context.phase = phase.name
        started = time.perf_counter()
        context.emit("phase.start", pattern=phase.pattern)
        await run_phase(phase, self._agents(phase), state, context)
        seconds = round(time.perf_counter() - started, 6)
        state["source_metrics"] = list(context.metrics)
        state["gaps"] = isolated(context.gaps)
        state["inputs"] = dict(context.inputs)
        state["phase_timings"].append({"phase": phase.name, "seconds": seconds})
        context.emit("phase.complete", seconds=seconds)

    def _agents(self, phase: PhaseConfig) -> list[Agent]:
        return [self._app.plugins.get("maf_agents", AgentSpec, config.role).load()(config) for config in phase.agents]


def _initial_state(request: RunRequest) -> State:
    return {
        "target": dict(request.target),
        "as_of": request.as_of.isoformat(),
        "trigger": request.trigger,
        "llm_model": "rules",
        "iteration": 0,
        "signals": {},
        "abstentions": {},
        "reports": {},
        "phase_timings": [],
    }


def _context(app: AppContext, arena: ArenaConfig, request: RunRequest, record: RunRecord) -> RunContext:
    state = record.state
    return RunContext(
        app,
        arena,
        request,
        record.correlation_id,
        metrics=list(state.get("source_metrics", [])),
        gaps=isolated(state.get("gaps", {})),
        inputs=dict(state.get("inputs", {})),
    )


def _without_verdict(state: State) -> str | None:
    """A specialist that fails is a vote less; a run without a verdict has failed."""
    if "synthesis_verdict" in state or "signal" in state:
        return None
    failures = "; ".join(f"{name}: {why}" for name, why in sorted(state.get("failures", {}).items()))
    return f"no verdict was reached ({failures or 'no agent gave one'})"


def _hold(state: State, reason: str) -> None:
    state.update(
        synthesis_verdict="HOLD",
        synthesis_confidence=0.0,
        synthesis_score=0.0,
        synthesis_reasoning=f"HOLD: {reason}",
    )

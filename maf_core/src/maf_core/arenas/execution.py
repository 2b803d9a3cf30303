"""One run from where it stands to its end: phase after phase, saved after each, and a well-formed HOLD if it cannot be
finished.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from redis.exceptions import RedisError

from maf_core.arenas.config import ArenaConfig, PhaseConfig
from maf_core.arenas.graph import NEXT_PHASE, PhaseGraph
from maf_core.arenas.own import OwnDict
from maf_core.arenas.phases import run_phase
from maf_core.arenas.record import RunRecord
from maf_core.arenas.recorder import Recorder
from maf_core.arenas.run import FinishedRun, RunContext
from maf_core.arenas.runner import AgentRunner, MakeAgent
from maf_core.arenas.state import State, frozen, section
from maf_core.arenas.store import RunStore
from maf_core.errors import MAFError, RunError, RunTakenError

if TYPE_CHECKING:
    from maf_core.context import AppContext

log = structlog.get_logger(__name__)


class Stop:
    """Says that a run is to end now, and why."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self.scope: asyncio.Timeout | None = None

    def now(self, reason: str) -> None:
        """Let the run end at whatever it is waiting for: its time is over."""
        self.reason = reason
        if self.scope is not None and not self.scope.expired():
            self.scope.reschedule(asyncio.get_running_loop().time())

    async def comes_after(self, waited_for: Awaitable[object]) -> bool:
        """Wait for something unless the run is to end first; whether it came."""
        try:
            async with asyncio.timeout(None if self.reason is None else 0) as self.scope:
                await waited_for
        except TimeoutError:
            return False
        finally:
            self.scope = None
        return True


class Execution:
    """Carries one run on."""

    def __init__(
        self, app: AppContext, arena: ArenaConfig, record: RunRecord, store: RunStore, make_agent: MakeAgent, stop: Stop
    ) -> None:
        self._arena = arena
        self._record = record
        self._state = record.state
        self._store = store
        self._stop = stop
        recorder = Recorder(
            partial(store.save_answer, record),
            record.answers,
            round_number=record.head.round,
            check=partial(store.check, record),
        )
        self._context = RunContext(
            app, arena, record.head.request, record.head.correlation_id, recorder, known=dict(record.state)
        )
        self._runner = AgentRunner(self._context, make_agent)
        self._timings: list[Any] = list(record.state.get("phase_timings", ()))
        self._started = time.perf_counter() - record.head.seconds  # what earlier workers spent counts

    async def finish(self) -> FinishedRun:
        """Go through the phases that are left, and save how it ended.

        Never raises for what goes wrong inside the run: it has then failed, and says HOLD. Raises `RedisError` when the
        server is away, and `RunTakenError` when another worker has taken the run up.
        """
        head, context = self._record.head, self._context
        with context.app.tracer.span(f"run {head.arena}", arena=head.arena, arena_id=head.request.arena_id):
            context.emit("arena.start", target=head.target, as_of=head.as_of.isoformat())
            head.error = await self._failure() or _without_verdict(self._state)
            head.status = self._status()
            self._state["arena_total_seconds"] = round(self._seconds(), 6)
            if head.error:
                hold(self._state, head.error)
            await self._save()
            self._tell()
        return finished(self._arena, self._record)

    async def _failure(self) -> str | None:
        """Go through the phases; None when that went well, else why not."""
        limit = self._arena.limits.run_timeout_s
        try:
            async with asyncio.timeout(max(0.0, limit - self._record.head.seconds)) as self._stop.scope:
                await self._walk()
        except TimeoutError:
            if self._stop.reason is not None:
                return f"the run was cancelled: {self._stop.reason}"
            return f"the run took longer than {limit:g} s"
        except RunTakenError:
            raise
        except MAFError as error:
            return str(error)
        except RedisError:
            raise  # the server is away: another worker goes on from the saved phase
        except Exception as error:
            log.exception("run_broke", arena_id=self._context.request.arena_id)
            return f"{type(error).__name__}: {error}"
        finally:
            self._stop.scope = None
            self._context.fetcher.stop()
            await self._runner.close()
        return None

    async def _walk(self) -> None:
        head, graph = self._record.head, PhaseGraph(self._arena.phases)
        phase: PhaseConfig | None = graph.named(head.next_phase) if head.next_phase else graph.first
        self._check_time()
        await self._recall()
        while phase is not None:
            if head.phases >= self._arena.limits.max_phases:
                head.stopped = _ceiling(head.phases, self._state)
                return
            await self._phase(phase)
            self._check_time()
            head.phases += 1
            phase = graph.after(phase, self._state.pop(NEXT_PHASE, None))
            if phase is not None:
                head.next_phase = phase.name
                await self._save()

    def _check_time(self) -> None:
        """Before Python 3.12 what a run was waiting for can swallow the cancellation that its time is over."""
        if self._stop.reason is not None or self._seconds() > self._arena.limits.run_timeout_s:
            raise TimeoutError

    def _seconds(self) -> float:
        return time.perf_counter() - self._started

    async def _phase(self, phase: PhaseConfig) -> None:
        context, state, started = self._context, self._state, time.perf_counter()
        context.phase = phase.name
        context.emit("phase.start", pattern=phase.pattern)
        with context.app.tracer.span(f"phase {phase.name}", phase=phase.name, pattern=phase.pattern):
            await run_phase(phase, self._runner, state, context)
        seconds = round(time.perf_counter() - started, 6)
        self._timings.append({"phase": phase.name, "seconds": seconds})
        state |= {**context.fetcher.findings(), **context.spent(), "phase_timings": frozen(self._timings)}
        context.emit("phase.complete", seconds=seconds)

    async def _recall(self) -> None:
        """Recall like decisions, once for the whole run: recorded, as agents may tell models of them."""
        memory, request = self._arena.memory, self._context.request
        if memory is None or "memories" in self._state:
            return
        from maf_core.arenas.remembering import recalled

        asked = {**memory.model_dump(), "target": request.target, "as_of": request.as_of.isoformat()}
        recall = partial(recalled, self._context.app, self._arena, request)
        self._state["memories"] = await self._context.recorder.shared("memory", asked, recall)

    async def _save(self) -> None:
        head = self._record.head
        head.seconds = self._seconds()
        head.round = self._context.recorder.round
        await self._store.save(self._record)

    def _tell(self) -> None:
        """Say on the bus how it ended, once that is certain."""
        head = self._record.head
        if head.error:
            self._context.emit("arena.error", error=head.error)
            log.warning("run_failed", arena_id=head.request.arena_id, error=head.error)
        else:
            self._context.emit("arena.complete", seconds=round(head.seconds, 6))

    def _status(self) -> Any:
        if self._stop.reason is not None and self._record.head.error:
            return "cancelled"
        return "failed" if self._record.head.error else "completed"


def finished(arena: ArenaConfig, record: RunRecord) -> FinishedRun:
    """A run that is over, for publishers and outboxes."""
    head = record.head
    cancelled = head.status == "cancelled"
    state = OwnDict(record.state)
    return FinishedRun(
        arena, head.request, head.correlation_id, state, head.seconds, head.error, head.stopped, cancelled
    )


def hold(state: State, reason: str) -> None:
    """Make the state that of a HOLD, with this reason."""
    state |= {
        "synthesis_verdict": "HOLD",
        "synthesis_confidence": 0.0,
        "synthesis_score": 0.0,
        "synthesis_reasoning": f"HOLD: {reason}",
    }


def _without_verdict(state: State) -> str | None:
    """A specialist that fails is a vote less; a run without a verdict has failed."""
    if _decided(state):
        return None
    failures = "; ".join(f"{name}: {why}" for name, why in sorted(section(state, "failures").items()) if why)
    return f"no verdict was reached ({failures or 'no agent gave one'})"


def _ceiling(phases: int, state: State) -> str:
    reason = f"limits.max_phases: the run was stopped after {phases} phases"
    if not _decided(state):
        raise RunError(f"{reason}, without a verdict")
    return reason


def _decided(state: State) -> bool:
    return "synthesis_verdict" in state or "signal" in state

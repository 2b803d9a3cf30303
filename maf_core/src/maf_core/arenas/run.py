"""One run of one arena: what was asked, what its agents can reach, and what came of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog

from maf_core.arenas.config import ActionMode, ArenaConfig
from maf_core.sources.base import SourceQuery, SourceResult
from maf_core.streams.consume import SERVER_AWAY

if TYPE_CHECKING:
    from maf_core.context import AppContext

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What to decide about, and what may be known: nothing later than `as_of` (UTC)."""

    arena: str
    target: dict[str, Any]
    as_of: datetime
    command_id: str
    action_mode: ActionMode | None = None
    trigger: dict[str, Any] | None = None

    @property
    def arena_id(self) -> str:
        """Names this run; the same command always names the same run."""
        return f"{self.arena}-{self.command_id}"


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """What publishers and outboxes get. `error` is None unless the run failed; the state is well-formed either way."""

    arena: ArenaConfig
    request: RunRequest
    correlation_id: str
    state: dict[str, Any]
    seconds: float
    error: str | None = None

    @property
    def arena_id(self) -> str:
        """Names this run."""
        return self.request.arena_id

    @property
    def action_mode(self) -> ActionMode:
        """The trigger's or command's mode, else the arena's."""
        return self.request.action_mode or self.arena.action_mode

    @property
    def meta(self) -> dict[str, Any]:
        """What every envelope's meta says about how the decision came to be."""
        required = [name for name, binding in self.arena.sources.items() if binding.required]
        gaps: dict[str, list[str]] = self.state.get("gaps", {})
        meta = {
            "as_of": self.request.as_of.isoformat(),
            "inputs": self.state.get("inputs", {}),
            "gaps": sorted({marker for markers in gaps.values() for marker in markers}),
            "required_gaps": sorted({marker for name in required for marker in gaps.get(name) or ()}),
            "abstained": {name: why for name, why in self.state.get("abstentions", {}).items() if why},
            "iterations": self.state.get("iteration", 0),
            "trigger": self.request.trigger,
        }
        return meta | ({"error": self.error} if self.error else {})


@dataclass(slots=True)
class RunContext:
    """What an agent gets besides the state."""

    app: AppContext
    arena: ArenaConfig
    request: RunRequest
    correlation_id: str
    metrics: list[dict[str, Any]] = field(default_factory=list)
    gaps: dict[str, list[str]] = field(default_factory=dict)
    inputs: dict[str, str | None] = field(default_factory=dict)
    phase: str = ""
    _answers: dict[str, asyncio.Task[SourceResult]] = field(default_factory=dict)

    @property
    def as_of(self) -> datetime:
        """The run's present: nothing later may be known (UTC)."""
        return self.request.as_of

    def emit(self, kind: str, **payload: Any) -> None:
        """Put an event of this run on the bus."""
        self.app.events.emit(
            kind,
            arena=self.arena.name,
            arena_id=self.request.arena_id,
            phase=self.phase,
            correlation_id=self.correlation_id,
            **payload,
        )

    async def fetch_all(self, bindings: Iterable[str]) -> dict[str, SourceResult]:
        """Ask several bindings at once."""
        names = list(bindings)
        answers = await asyncio.gather(*(self.fetch(name) for name in names))
        return dict(zip(names, answers, strict=True))

    async def fetch(self, binding: str) -> SourceResult:
        """Ask a binding about the run's target. Agents that ask the same share one call.

        Does not raise for a failing source: the answer is then empty, with a `no_…` marker. Raises `RedisError` when
        the server is away.
        """
        if binding not in self._answers:
            self._answers[binding] = asyncio.create_task(self._ask(binding))
        return await asyncio.shield(self._answers[binding])

    def forget_answers(self) -> None:
        """Ask anew from here on; the next round reports its own gaps."""
        self.stop_asking()
        self.gaps.clear()

    def stop_asking(self) -> None:
        """Give up what sources have not answered yet."""
        for task in self._answers.values():
            task.cancel()
        self._answers.clear()

    def required_gaps(self) -> list[str]:
        """The markers that sources of required bindings have given so far."""
        return sorted(
            marker for name, markers in self.gaps.items() if self.arena.sources[name].required for marker in markers
        )

    async def _ask(self, binding: str) -> SourceResult:
        bound = self.arena.sources[binding]
        started = time.perf_counter()
        try:
            source = self.app.sources.get(bound.source, bound.config)
            answer = await source.fetch(SourceQuery(self.request.target, self.as_of))
            _refuse_look_ahead(bound.source, answer, self.as_of)
        except SERVER_AWAY:
            raise  # no data now is not "no data": the run is taken up again
        except Exception as error:  # noqa: BLE001
            # A source is a plugin's code: whatever it raises is missing data to the panel, and visible.
            log.warning("source_failed", source=bound.source, arena_id=self.request.arena_id, error=str(error))
            self.emit("source.error", source=bound.source, error=f"{type(error).__name__}: {error}")
            answer, success = SourceResult(None, gaps=(f"no_{bound.source}",)), False
        else:
            success = True
        self._record(binding, bound.source, answer, success=success, ms=(time.perf_counter() - started) * 1000)
        return answer

    def _record(self, binding: str, source: str, answer: SourceResult, *, success: bool, ms: float) -> None:
        metric = {"source": source, "success": success, "result_bytes": answer.size_bytes, "ms": round(ms, 3)}
        self.metrics.append(metric)
        self.gaps[binding] = list(answer.gaps)
        self.inputs[binding] = answer.as_of.isoformat() if answer.as_of else None
        self.emit("source.fetch", binding=binding, gaps=list(answer.gaps), **metric)


def _refuse_look_ahead(source: str, answer: SourceResult, as_of: datetime) -> None:
    if answer.as_of is not None and answer.as_of > as_of:
        raise ValueError(
            f"{source} answered with data of {answer.as_of.isoformat()}, later than the run's {as_of.isoformat()}"
        )

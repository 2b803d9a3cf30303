"""One run of one arena: what was asked, what its agents can reach, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from maf_core.arenas.config import ActionMode, ArenaConfig
from maf_core.arenas.fetching import Fetcher
from maf_core.arenas.recorder import Recorder
from maf_core.arenas.state import State, frozen, section
from maf_core.clock import parse_time
from maf_core.sources.base import SourceResult

if TYPE_CHECKING:
    from maf_core.context import AppContext
    from maf_core.llm.session import LLMSession

RunStatus = Literal["running", "completed", "failed", "cancelled"]


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
    """What publishers and outboxes get. The state is well-formed whatever happened.

    `error`: why the run failed or was cancelled; else None. `stopped`: what ended it before its last phase.
    """

    arena: ArenaConfig
    request: RunRequest
    correlation_id: str
    state: dict[str, Any]
    seconds: float
    error: str | None = None
    stopped: str | None = None
    cancelled: bool = False

    @property
    def status(self) -> RunStatus:
        """How it ended. Nothing is published of a cancelled run."""
        if self.cancelled:
            return "cancelled"
        return "failed" if self.error else "completed"

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
        gaps: Mapping[str, list[str]] = section(self.state, "gaps")
        meta = {
            "as_of": self.request.as_of.isoformat(),
            "inputs": section(self.state, "inputs"),
            "input_ages_s": _ages(section(self.state, "inputs"), self.request.as_of),
            "gaps": sorted({marker for markers in gaps.values() for marker in markers}),
            "required_gaps": sorted({marker for name in required for marker in gaps.get(name) or ()}),
            "abstained": {name: why for name, why in section(self.state, "abstentions").items() if why},
            "iterations": self.state.get("iteration", 0),
            "trigger": self.request.trigger,
        }
        more = {"llm": _models_asked(self.state), "error": self.error, "stopped": self.stopped}
        return meta | {key: value for key, value in more.items() if value}


@dataclass(slots=True)
class RunContext:
    """What an agent gets besides the state.

    `recorder`: keeps what is answered to this run. `known`: the state as the run begins or goes on.
    """

    app: AppContext
    arena: ArenaConfig
    request: RunRequest
    correlation_id: str
    recorder: Recorder = field(default_factory=Recorder)
    known: State = field(default_factory=dict)
    phase: str = ""
    fetcher: Fetcher = field(init=False)
    _llm: LLMSession | None = None

    def __post_init__(self) -> None:
        self.fetcher = Fetcher(self, self.known)

    @property
    def as_of(self) -> datetime:
        """The run's present: nothing later may be known (UTC)."""
        return self.request.as_of

    @property
    def llm(self) -> LLMSession | None:
        """Asks language models within this run's budget, made when it is first wanted; None without an application."""
        service = getattr(self.app, "llm", None)
        if self._llm is None and service is not None:
            self._llm = service.session(
                arena=self.arena.name,
                arena_id=self.request.arena_id,
                model=self.arena.model,
                budget=self.arena.budget,
                recorder=self.recorder,
                emit=self.emit,
            )
        return self._llm

    def spent(self) -> State:
        """What the state says of the models that were asked, by earlier workers too; nothing when none was wanted."""
        if self._llm is None:
            return {}
        usage = _together(section(self.known, "llm"), self._llm.usage())
        return {"llm": frozen(usage), "llm_model": ", ".join(usage["models"]) or "rules"}

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

    async def fetch(self, binding: str) -> SourceResult:
        """Ask a binding about the run's target. Agents that ask the same share one call; the data is the caller's own.

        Does not raise for a failing source: the answer is then empty, with a `no_…` marker. Raises `RedisError` when
        the server is away.
        """
        return await self.fetcher.fetch(binding)

    async def fetch_all(self, bindings: Iterable[str]) -> dict[str, SourceResult]:
        """Ask several bindings at once."""
        return await self.fetcher.fetch_all(bindings)

    def forget_answers(self) -> None:
        """Ask anew from here on, sources and models; the next round reports its own gaps."""
        self.fetcher.forget()
        self.recorder.forget()

    def required_gaps(self) -> list[str]:
        """The markers that sources of required bindings have given so far."""
        return self.fetcher.required_gaps()


def _ages(inputs: Mapping[str, str | None], as_of: datetime) -> dict[str, float]:
    """How old the newest part of each input was at the run's moment, in seconds; inputs without data have no age."""
    known = {name: parse_time(moment) for name, moment in inputs.items() if moment}
    return {name: round((as_of - moment).total_seconds(), 3) for name, moment in known.items()}


def _models_asked(state: State) -> dict[str, Any]:
    """What models cost; empty when none was asked."""
    usage = section(state, "llm")
    asked = usage if usage.get("calls") else {}
    return {
        key: asked[key] for key in ("calls", "tokens_in", "tokens_out", "usd", "models", "fallbacks") if key in asked
    }


def _together(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers added, lists joined without what is there already."""
    joined = {
        key: value + [one for one in now[key] if one not in value] if isinstance(value, list) else value + now[key]
        for key, value in before.items()
        if key in now
    }
    return {**now, **joined}

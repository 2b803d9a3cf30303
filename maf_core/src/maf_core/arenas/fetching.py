"""Asks an arena's sources on behalf of one run: each binding once a round, whoever wants to know."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog

from maf_core.arenas.own import own
from maf_core.arenas.state import State, frozen, section
from maf_core.clock import parse_time
from maf_core.errors import RunTakenError
from maf_core.sources.base import SourceQuery, SourceResult
from maf_core.streams.consume import SERVER_AWAY

if TYPE_CHECKING:
    from maf_core.arenas.config import BindingConfig
    from maf_core.arenas.run import RunContext

log = structlog.get_logger(__name__)

# Not a failure of whoever met it: the run itself cannot go on here.
NOT_HERE = (*SERVER_AWAY, RunTakenError)


class Fetcher:
    """The answers of a run's sources, what they cost, and what was missing."""

    def __init__(self, context: RunContext, state: State) -> None:
        """`state`: the run's, from which an earlier worker's findings are taken over."""
        self.gaps: dict[str, list[str]] = {name: list(markers) for name, markers in section(state, "gaps").items()}
        self._context = context
        self._inputs: dict[str, str | None] = dict(section(state, "inputs"))
        self._metrics = {(one["round"], one["binding"]): one for one in state.get("source_metrics", ())}
        self._answers: dict[str, asyncio.Task[SourceResult]] = {}
        self._changed = True
        self._findings: State = {}

    async def fetch(self, binding: str) -> SourceResult:
        """Ask a binding; its data is the caller's own, to do with as it likes."""
        if binding not in self._answers:
            self._answers[binding] = asyncio.create_task(self._answer(binding))
        answer = await asyncio.shield(self._answers[binding])
        return replace(answer, data=own(answer.data))

    async def fetch_all(self, bindings: Iterable[str]) -> dict[str, SourceResult]:
        """Ask several bindings at once."""
        names = list(bindings)
        answers = await asyncio.gather(*(self.fetch(name) for name in names))
        return dict(zip(names, answers, strict=True))

    def forget(self) -> None:
        """Ask anew from here on; the next round reports its own gaps."""
        self.stop()
        self.gaps.clear()
        self._changed = True

    def stop(self) -> None:
        """Give up what sources have not answered yet."""
        for task in self._answers.values():
            task.cancel()
        self._answers.clear()

    def required_gaps(self) -> list[str]:
        """The markers that sources of required bindings have given so far."""
        bindings = self._context.arena.sources
        required = [name for name, binding in bindings.items() if binding.required]
        return sorted(marker for name in required for marker in self.gaps.get(name, ()))

    def findings(self) -> State:
        """What the state says of them. In declared order: who answered first must not matter."""
        if self._changed:
            self._changed, self._findings = False, self._sorted()
        return self._findings

    def _sorted(self) -> State:
        order = {name: at for at, name in enumerate(self._context.arena.sources)}
        metrics = sorted(self._metrics.items(), key=lambda item: (item[0][0], order.get(item[0][1], 0)))
        return {
            "source_metrics": frozen([metric for _, metric in metrics]),
            "gaps": frozen({name: self.gaps[name] for name in order if name in self.gaps}),
            "inputs": frozen({name: self._inputs[name] for name in order if name in self._inputs}),
        }

    async def _answer(self, binding: str) -> SourceResult:
        """The answer; empty, with a `no_…` marker, when the source fails: it is a plugin's code."""
        bound = self._context.arena.sources[binding]
        started = time.perf_counter()
        try:
            with self._context.app.tracer.span(f"source {binding}", source=bound.source, binding=binding):
                recorded = await self._recorded(binding, bound)
        except NOT_HERE:
            raise  # no data now is not "no data": the run is taken up again
        except Exception as error:  # noqa: BLE001
            arena_id = self._context.request.arena_id
            log.warning("source_failed", source=bound.source, arena_id=arena_id, error=str(error))
            self._context.emit("source.error", source=bound.source, error=f"{type(error).__name__}: {error}")
            answer = SourceResult(None, gaps=(f"no_{bound.source}",))
            self._note(binding, bound.source, answer, success=False, ms=(time.perf_counter() - started) * 1000)
            return answer
        answer = _result_of(recorded)
        self._note(binding, bound.source, answer, success=True, ms=recorded["ms"])
        return answer

    async def _recorded(self, binding: str, bound: BindingConfig) -> State:
        request = self._context.request
        asked = {
            "binding": binding,
            "source": bound.source,
            "config": bound.config,
            "target": request.target,
            "as_of": request.as_of.isoformat(),
        }
        answer: State = await self._context.recorder.shared("source", asked, lambda: self._asked(binding, bound))
        return answer

    async def _asked(self, binding: str, bound: BindingConfig) -> State:
        started = time.perf_counter()
        request = self._context.request
        source = self._context.app.sources.get(bound.source, bound.config)
        async with self._budget(binding):
            answer = await source.fetch(SourceQuery(request.target, request.as_of))
        _refuse_look_ahead(bound.source, answer, request.as_of)
        return {
            "data": answer.data,
            "as_of": answer.as_of.isoformat() if answer.as_of else None,
            "gaps": list(answer.gaps),
            "size_bytes": answer.size_bytes,
            "ms": round((time.perf_counter() - started) * 1000, 3),
        }

    @asynccontextmanager
    async def _budget(self, binding: str) -> AsyncIterator[None]:
        """Within what `budget.sources` allows this binding. Raises `BudgetExceededError` or `TimeoutError`."""
        llm = self._context.llm if binding in self._context.arena.budget.sources else None
        if llm is None:
            yield
            return
        async with llm.budget.spending(f"source:{binding}") as spending, asyncio.timeout(spending.seconds):
            yield

    def _note(self, binding: str, source: str, answer: SourceResult, *, success: bool, ms: float) -> None:
        metric: dict[str, Any] = {
            "source": source,
            "binding": binding,
            "success": success,
            "result_bytes": answer.size_bytes,
            "ms": round(ms, 3),
        }
        number = self._context.recorder.round
        self._metrics[number, binding] = {**metric, "round": number}
        self.gaps[binding] = list(answer.gaps)
        self._inputs[binding] = answer.as_of.isoformat() if answer.as_of else None
        self._changed = True
        self._context.emit("source.fetch", gaps=list(answer.gaps), **metric)


def _result_of(recorded: State) -> SourceResult:
    as_of = parse_time(recorded["as_of"]) if recorded["as_of"] else None
    return SourceResult(recorded["data"], as_of, tuple(recorded["gaps"]), recorded["size_bytes"])


def _refuse_look_ahead(source: str, answer: SourceResult, as_of: datetime) -> None:
    if answer.as_of is not None and answer.as_of > as_of:
        raise ValueError(
            f"{source} answered with data of {answer.as_of.isoformat()}, later than the run's {as_of.isoformat()}"
        )

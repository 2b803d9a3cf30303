"""What a run recalls before it begins, and what is remembered of it when it is finished."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import structlog

from maf_core.arenas.config import ArenaConfig
from maf_core.arenas.run import FinishedRun, RunRequest
from maf_core.memory.backends import backend_of
from maf_core.memory.base import Memory, MemoryQuery, Recalled
from maf_core.memory.situation import one_line, situation
from maf_core.streams.consume import SERVER_AWAY

if TYPE_CHECKING:
    from maf_core.context import AppContext

log = structlog.get_logger(__name__)

_REASONING = 1000


async def recalled(app: AppContext, arena: ArenaConfig, request: RunRequest) -> list[dict[str, Any]]:
    """The memories of like decisions as plain JSON, the most alike first; none for an arena without a memory.

    A backend that fails or takes too long has nothing to recall, and an event says so. Raises `RedisError` when the
    server is away.
    """
    wanted = arena.memory
    if wanted is None or not wanted.recall:
        return []
    asked = situation({"target": request.target, "trigger": request.trigger})
    query = MemoryQuery(arena.name, request.target, asked, request.as_of, wanted.recall)
    try:
        async with asyncio.timeout(arena.limits.agent_timeout_s):
            found = await backend_of(app, wanted.backend).recall(query)
        return [_checked(one, query).payload() for one in found[: query.limit]]
    except SERVER_AWAY:
        raise
    except Exception as error:
        # A backend is a plugin's code: one that fails must not stop the decision.
        log.exception("memory_not_recalled", backend=wanted.backend, arena_id=request.arena_id)
        failure = f"{type(error).__name__}: {error}"
        app.events.emit(
            "source.error", arena=arena.name, arena_id=request.arena_id, source=wanted.backend, error=failure
        )
        return []


async def remember(app: AppContext, run: FinishedRun) -> None:
    """Remember the decision where its arena says, once. A failed run decided nothing.

    A backend that fails or takes too long does not hold the decision up. Raises `RedisError` when the server is away.
    """
    wanted = run.arena.memory
    if wanted is None or run.error:
        return
    try:
        async with asyncio.timeout(run.arena.limits.agent_timeout_s):
            await backend_of(app, wanted.backend).remember(memory_of(run))
    except SERVER_AWAY:
        raise
    except Exception:
        log.exception("decision_not_remembered", backend=wanted.backend, arena_id=run.arena_id)


def memory_of(run: FinishedRun) -> Memory:
    """A finished run as a memory, without an outcome."""
    state = run.state
    confidence = state.get("synthesis_confidence")
    return Memory(
        arena_id=run.arena_id,
        arena=run.arena.name,
        target=run.request.target,
        as_of=run.request.as_of,
        situation=situation(state),
        verdict=one_line(state.get("synthesis_verdict") or state.get("signal") or "", 100),
        confidence=min(1.0, max(0.0, confidence)) if isinstance(confidence, int | float) else 0.0,
        reasoning=one_line(state.get("synthesis_reasoning") or "", _REASONING),
        untrusted=_untrusted(state),
    )


def _untrusted(state: dict[str, Any]) -> bool:
    """Whether a signal, or a memory that was recalled, rests on text that others wrote."""
    heard = [*state.get("signals", {}).values(), *state.get("memories", ())]
    return any(isinstance(one, dict) and one.get("untrusted") for one in heard)


def _checked(found: Recalled, query: MemoryQuery) -> Recalled:
    memory = found.memory
    if memory.arena != query.arena:
        raise ValueError(f"a decision of arena {memory.arena!r} was recalled for {query.arena!r}")
    if memory.known_before(query.as_of) != memory:
        raise ValueError(f"{memory.arena_id} was recalled with what was not known before {query.as_of.isoformat()}")
    return found

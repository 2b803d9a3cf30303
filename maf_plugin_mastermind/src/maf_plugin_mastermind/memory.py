"""The memory backend `bm25`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from maf_core import Memory, MemoryBackend, MemoryQuery, Outcome, Recalled
from maf_core.memory.base import ranked
from maf_plugin_mastermind.config import MastermindSettings
from maf_plugin_mastermind.ranking import scores
from maf_plugin_mastermind.store import MemoryStore

if TYPE_CHECKING:
    from maf_core import AppContext

_DIGITS = 3
# Less than a step between two scores: it decides between equally alike situations only.
_SAME_TARGET = 0.0005


class Bm25Memory(MemoryBackend):
    """Decisions on Redis, found by the words that their situations share."""

    def __init__(self, context: AppContext) -> None:
        settings = context.settings.section("mastermind", MastermindSettings)
        self._store = MemoryStore(context.redis, settings.keep)

    async def remember(self, memory: Memory) -> None:
        """Keep a decision."""
        await self._store.add(memory)

    async def outcome(self, arena_id: str, outcome: Outcome) -> None:
        """Add what came of a decision."""
        await self._store.add_outcome(arena_id, outcome)

    async def recall(self, query: MemoryQuery) -> list[Recalled]:
        """The decisions whose situations share most words with the query's; of equals those about its target."""
        memories = await self._store.before(query.arena, query.as_of)
        # A tenth of a second for 500 memories: in a thread, so that the other runs of the service go on.
        found = await asyncio.to_thread(scores, query.situation, [memory.situation for memory in memories])
        rows = zip(memories, found, strict=True)
        return ranked((Recalled(memory, _score(bm25, memory, query)) for memory, bm25 in rows), query.limit)


def _score(bm25: float, memory: Memory, query: MemoryQuery) -> float:
    bonus = _SAME_TARGET if _same(query.target, memory.target) else 0.0
    return round(round(bm25, _DIGITS) + bonus, _DIGITS + 1)


def _same(wanted: Mapping[str, Any], target: Mapping[str, Any]) -> bool:
    """Whether the target has everything that is wanted of it, as text; every day has another date."""
    parts = {key: value for key, value in wanted.items() if key != "trade_date"}
    return all(key in target and str(target[key]) == str(value) for key, value in parts.items())

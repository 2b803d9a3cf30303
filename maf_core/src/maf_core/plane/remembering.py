"""Outcomes become part of the memories of the decisions they came of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maf_core.envelopes import require_version
from maf_core.errors import BadEntryError
from maf_core.memory.backends import backend_of
from maf_core.memory.outcomes import outcome_of
from maf_core.streams.consume import FROM_START, Entry
from maf_core.streams.names import OUTCOMES
from maf_core.worker import ConsumerWorker

if TYPE_CHECKING:
    from maf_core.context import AppContext

GROUP = "maf:memory"


class OutcomeKeeper(ConsumerWorker):
    """The worker between `maf:outcomes:out` and the memory backends of all arenas. Without any it reads nothing."""

    follows_arenas = True

    def __init__(self, context: AppContext) -> None:
        names = sorted({arena.memory.backend for arena in context.arenas.values() if arena.memory})
        self._backends = [backend_of(context, name) for name in names]
        self._clock = context.clock
        super().__init__(context.consumer(GROUP, [OUTCOMES] if names else [], start=FROM_START))

    async def handle(self, entry: Entry) -> None:
        """Tell every backend; those that do not know the decision do nothing."""
        require_version(entry.payload, "the outcome")
        arena_id = entry.payload.get("arena_id")
        if not isinstance(arena_id, str) or not arena_id:
            raise BadEntryError("the outcome does not say of which run it is: arena_id is missing")
        outcome = outcome_of(entry.payload, await self._clock.now())
        if outcome is None:
            return
        for backend in self._backends:
            await backend.outcome(arena_id, outcome)

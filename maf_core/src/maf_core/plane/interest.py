"""What arenas run for and rules fire about stays on the watch list, or comes onto it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from maf_core.plane.watch import Kind, WatchList

if TYPE_CHECKING:
    from maf_core.context import AppContext

# By an arena's target key. What other keys name is no business of the watch list.
_KINDS: dict[str, Kind] = {
    "ticker": "symbol",
    "symbol": "symbol",
    "question_id": "question",
    "document_id": "document",
    "report_id": "document",
}


class Interest:
    """Extends interest as the settings `watch.arena_ttl_s` and `watch.trigger_ttl_s` say; 0 extends none."""

    def __init__(self, context: AppContext) -> None:
        self._watch = WatchList(context.redis)
        self._settings = context.settings.watch
        self._noted: dict[tuple[str, Kind], float] = {}

    async def arena_runs(self, target_key: str, target: Mapping[str, Any]) -> None:
        """An arena runs for this target."""
        self._note(target_key, target, self._settings.arena_ttl_s)
        await self.flush()

    def rule_fires(self, target_key: str, target: Mapping[str, Any]) -> None:
        """A trigger rule asks for a run for this target; it is on the list after the next `flush`."""
        self._note(target_key, target, self._settings.trigger_ttl_s)

    async def flush(self) -> None:
        """Put what was noted on the list, all of it in one round trip."""
        noted, self._noted = self._noted, {}
        try:
            await self._watch.extend(noted)
        except BaseException:
            self._noted = noted | self._noted
            raise

    def _note(self, target_key: str, target: Mapping[str, Any], ttl_s: float) -> None:
        kind, named = _KINDS.get(target_key), target.get(target_key)
        if kind is None or not ttl_s or not isinstance(named, str) or not named.strip():
            return
        self._noted[spelt(named, kind), kind] = ttl_s


def spelt(target_id: str, kind: Kind) -> str:
    """A target as the watch list spells it: symbols in capitals."""
    return target_id.strip().upper() if kind == "symbol" else target_id.strip()

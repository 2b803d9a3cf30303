"""What comes back from the trading engine: positions end, and losses are counted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog

from maf_core.clock import parse_time
from maf_core.envelopes import require_version
from maf_core.errors import BadEntryError, TradingStateError
from maf_core.outbox.ledger import GROUP, Ledger
from maf_core.outbox.trading import lock_trading
from maf_core.streams.consume import FROM_START, Entry
from maf_core.streams.names import OUTCOMES
from maf_core.worker import ConsumerWorker

if TYPE_CHECKING:
    from maf_core.context import AppContext

log = structlog.get_logger(__name__)

LOCKED_BY = "maf (loss limit)"
_ENDS = ("close", "dropped")
# An engine need not say which kind of outcome it is: these belong to a close.
_OF_A_CLOSE = ("closed_at", "pnl", "return")


class PositionKeeper(ConsumerWorker):
    """The worker between `maf:outcomes:out` and the gate's books."""

    def __init__(self, context: AppContext) -> None:
        super().__init__(context.consumer(GROUP, [OUTCOMES], start=FROM_START))
        self._redis = context.redis
        self._clock = context.clock
        self._limits = context.settings.risk
        self._ledger = Ledger(context.redis, self._limits.loss_window_h)

    async def handle(self, entry: Entry) -> None:
        """End the positions of an outcome's runs, and lock trading when too much was lost."""
        require_version(entry.payload, "the outcome")
        arena_ids = _runs(entry.payload)
        if not _has_ended(entry.payload):
            return
        pnl = _pnl(entry.payload)
        if pnl is None:
            await self._ledger.end(arena_ids)
            return
        at = _closed_at(entry.payload, await self._clock.now()).timestamp()
        await self._ledger.end(arena_ids, (entry.id, pnl, at))
        await self._lock(at)

    async def _lock(self, at: float) -> None:
        limit, hours = self._limits.max_loss, self._limits.loss_window_h
        realised = await self._ledger.realised(at)
        if limit is None or realised > -limit:
            return
        why = f"{realised:+,.2f} realised within {hours:g} h; the limit is a loss of {limit:,.2f}"
        with suppress(TradingStateError):  # while the state cannot be read, nothing is traded anyway
            if await lock_trading(self._redis, LOCKED_BY, why):
                log.error("trading_locked", why=why, fix="Look at what happened, then: maf resume --why …")


def _runs(payload: Mapping[str, Any]) -> list[str]:
    """The run whose position it is, and the one that closed it: an engine may have taken that for an opening."""
    arena_id = payload.get("arena_id")
    if not isinstance(arena_id, str) or not arena_id:
        raise BadEntryError("the outcome does not say of which run it is: arena_id is missing")
    closing = payload.get("closing_arena_id")
    return [arena_id, closing] if isinstance(closing, str) and closing else [arena_id]


def _has_ended(payload: Mapping[str, Any]) -> bool:
    kind = payload.get("kind")
    return kind in _ENDS if kind else any(payload.get(name) is not None for name in _OF_A_CLOSE)


def _pnl(payload: Mapping[str, Any]) -> float | None:
    value = payload.get("pnl")
    if value is None:
        return None
    try:
        pnl = float(value)
    except (TypeError, ValueError, OverflowError):
        pnl = math.nan
    if not math.isfinite(pnl):
        raise BadEntryError(f"the outcome's pnl {repr(value)[:40]} is no amount of money")
    return pnl


def _closed_at(payload: Mapping[str, Any], now: datetime) -> datetime:
    stated = payload.get("closed_at") or payload.get("published_at")
    return parse_time(stated) if stated else now

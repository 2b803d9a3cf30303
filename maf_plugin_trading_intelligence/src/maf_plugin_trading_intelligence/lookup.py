"""Finds decisions that were published."""

from __future__ import annotations

from datetime import date

from redis.asyncio import Redis

from maf_core.streams.raw import entries
from maf_plugin_trading_intelligence.decode import decode_envelope
from maf_plugin_trading_intelligence.models import TradingIntelligenceEnvelope
from maf_plugin_trading_intelligence.publish import DECISION_HASH_PREFIX, DEFAULT_STREAM_NAME

LOOKED_THROUGH = 2000
_PAGE = 200


async def decision_on(redis: Redis, ticker: str, day: date) -> TradingIntelligenceEnvelope | None:
    """The newest decision about a ticker on a trade date; None without one that can be read. One round trip."""
    stored = await redis.hget(f"{DECISION_HASH_PREFIX}:{ticker}:{day.isoformat()}", "json")
    return None if stored is None else decode_envelope(stored)


async def latest_decision(redis: Redis, ticker: str) -> TradingIntelligenceEnvelope | None:
    """The newest decision about a ticker on the stream, within the newest `LOOKED_THROUGH` entries.

    What cannot be read is skipped.
    """
    last = "+"
    for _ in range(LOOKED_THROUGH // _PAGE):
        page = entries(await redis.xrevrange(DEFAULT_STREAM_NAME, max=last, count=_PAGE))
        for entry_id, fields in page:
            envelope = decode_envelope(fields)
            if envelope is not None and envelope.decision.target.ticker == ticker:
                return envelope
            last = f"({entry_id}"
        if len(page) < _PAGE:
            return None
    return None

"""Writes envelopes: onto the stream, and into the hash by which a decision is looked up."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

from maf_core import publish, publish_once
from maf_plugin_trading_intelligence.decode import decode_envelope
from maf_plugin_trading_intelligence.models import TradingIntelligenceEnvelope

DEFAULT_STREAM_NAME = "maf:arena:trading_intelligence:output"
DECISION_HASH_PREFIX = "maf:arena:trading_intelligence:decisions"

# Runs about one ticker and day may finish in any order, and be repeated: the newest decision stays.
# `published_at` has a fixed width, so that text order is time order.
_WRITE_UNLESS_OLDER = """
local known = redis.call('HGET', KEYS[1], 'published_at')
if known and known > ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'published_at', unpack(ARGV))
return 1
"""


async def publish_envelope(redis: Redis, stream_name: str, envelope: TradingIntelligenceEnvelope) -> str:
    """Append the envelope to the stream, write its look-up hash, and return the entry's id.

    Once for each `arena_id`: a repeat returns the first entry's id, and mends the hash from that entry if need be. An
    envelope without `arena_id` is appended every time.
    """
    if not envelope.arena_id:
        entry_id = await publish(redis, stream_name, _payload(envelope))
        await publish_decision_hash(redis, envelope)
        return entry_id
    done = await publish_once(redis, stream_name, envelope.arena_id, _payload(envelope))
    published = envelope if done.fresh else await _entry(redis, stream_name, done.id)
    if published is not None:
        await publish_decision_hash(redis, published)
    return done.id


async def publish_decision_hash(redis: Redis, envelope: TradingIntelligenceEnvelope) -> str:
    """Write the look-up hash of the envelope's ticker and trade date, and return its key.

    The hash does not expire. A newer decision about the same ticker and day stays. Without a ticker nothing is written
    and the key is empty.
    """
    target = envelope.decision.target
    if not target.ticker:
        return ""
    key = f"{DECISION_HASH_PREFIX}:{target.ticker}:{target.trade_date}"
    fields = _hash_fields(envelope)
    args = [fields.pop("published_at"), *(part for field in fields.items() for part in field)]
    await redis.register_script(_WRITE_UNLESS_OLDER)(keys=[key], args=args)
    return key


def _hash_fields(envelope: TradingIntelligenceEnvelope) -> dict[str, str]:
    decision = envelope.decision
    return {
        "json": envelope.model_dump_json(fallback=str),
        "ticker": decision.target.ticker,
        "trade_date": decision.target.trade_date,
        "verdict": decision.synthesis.verdict,
        "confidence": str(decision.synthesis.confidence),
        "ensemble_score": str(decision.synthesis.ensemble_score),
        "published_at": envelope.published_at.isoformat(timespec="microseconds"),
        "correlation_id": envelope.correlation_id,
        "arena_id": envelope.arena_id,
    }


def _payload(envelope: TradingIntelligenceEnvelope) -> dict[str, Any]:
    return envelope.model_dump(mode="json", fallback=str)


async def _entry(redis: Redis, stream_name: str, entry_id: str) -> TradingIntelligenceEnvelope | None:
    """What an entry holds; None once it was trimmed."""
    found = await redis.xrange(stream_name, min=entry_id, max=entry_id)
    return decode_envelope(found[0][1]) if found else None

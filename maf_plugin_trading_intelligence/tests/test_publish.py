"""What stands on the server after publishing."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from redis.asyncio import Redis

from maf_plugin_trading_intelligence.stream import (
    DECISION_HASH_PREFIX,
    DEFAULT_STREAM_NAME,
    MarketMindDecision,
    build_envelope_from_state,
    decode_envelope,
    publish_decision_hash,
    publish_envelope,
)

KEY = "maf:arena:trading_intelligence:decisions:IBM:2013-02-28"


async def hash_of(redis: Redis, key: str = KEY) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in (await redis.hgetall(key)).items()}


async def test_an_envelope_is_one_entry_with_one_field(redis: Redis, state: dict[str, Any]) -> None:
    envelope = build_envelope_from_state(state)
    entry_id = await publish_envelope(redis, DEFAULT_STREAM_NAME, envelope)
    [(found_id, fields)] = await redis.xrange("maf:arena:trading_intelligence:output")
    assert found_id.decode() == entry_id
    assert list(fields) == [b"data"]
    assert decode_envelope(fields) == envelope


async def test_every_publish_writes_the_hash(redis: Redis, state: dict[str, Any]) -> None:
    envelope = build_envelope_from_state(state)
    await publish_envelope(redis, "another:stream", envelope)
    stored = await hash_of(redis)
    assert stored == {
        "json": envelope.model_dump_json(),
        "ticker": "IBM",
        "trade_date": "2013-02-28",
        "verdict": "BUY",
        "confidence": "0.625",
        "ensemble_score": "0.4",
        "published_at": envelope.published_at.isoformat(timespec="microseconds"),
        "correlation_id": envelope.correlation_id,
        "arena_id": "trading_intelligence-abc",
    }
    assert await redis.ttl(KEY) == -1


async def test_the_hash_is_read_as_an_envelope_and_as_a_decision(redis: Redis, state: dict[str, Any]) -> None:
    envelope = build_envelope_from_state(state)
    key = await publish_decision_hash(redis, envelope)
    assert key == f"{DECISION_HASH_PREFIX}:IBM:2013-02-28" == KEY
    stored = await hash_of(redis)
    assert decode_envelope(stored["json"]) == envelope
    assert MarketMindDecision.model_validate_json(stored["json"]) == envelope.decision


async def test_without_a_ticker_there_is_no_hash(redis: Redis) -> None:
    envelope = build_envelope_from_state({"target": {"trade_date": "2013-02-28"}})
    assert await publish_decision_hash(redis, envelope) == ""
    assert await publish_envelope(redis, DEFAULT_STREAM_NAME, envelope)
    assert await redis.keys(f"{DECISION_HASH_PREFIX}*") == []


async def test_a_run_is_published_once(redis: Redis, state: dict[str, Any]) -> None:
    envelopes = [build_envelope_from_state(state) for _ in range(8)]
    ids = await asyncio.gather(*(publish_envelope(redis, DEFAULT_STREAM_NAME, envelope) for envelope in envelopes))
    [(_, fields)] = await redis.xrange(DEFAULT_STREAM_NAME)
    assert len(set(ids)) == 1
    assert (await hash_of(redis))["json"].encode() == fields[b"data"]


async def test_without_an_arena_id_every_call_publishes(redis: Redis, state: dict[str, Any]) -> None:
    del state["arena_id"]
    envelope = build_envelope_from_state(state)
    await publish_envelope(redis, DEFAULT_STREAM_NAME, envelope)
    await publish_envelope(redis, DEFAULT_STREAM_NAME, envelope)
    assert await redis.xlen(DEFAULT_STREAM_NAME) == 2


async def test_a_repeat_mends_a_hash_that_a_crash_left_out(redis: Redis, state: dict[str, Any]) -> None:
    await publish_envelope(redis, DEFAULT_STREAM_NAME, build_envelope_from_state(state))
    before = await hash_of(redis)
    await redis.delete(KEY)
    await publish_envelope(redis, DEFAULT_STREAM_NAME, build_envelope_from_state(state))
    assert await hash_of(redis) == before


async def test_a_repeat_of_an_old_run_does_not_hide_a_newer_decision(redis: Redis, state: dict[str, Any]) -> None:
    newer = {**state, "arena_id": "trading_intelligence-def", "synthesis_verdict": "SELL"}
    await publish_envelope(redis, DEFAULT_STREAM_NAME, build_envelope_from_state(state))
    await publish_envelope(redis, DEFAULT_STREAM_NAME, build_envelope_from_state(newer))
    await publish_envelope(redis, DEFAULT_STREAM_NAME, build_envelope_from_state(state))
    assert (await hash_of(redis))["verdict"] == "SELL"
    assert await redis.xlen(DEFAULT_STREAM_NAME) == 2


async def test_the_newest_decision_stays_in_the_hash(redis: Redis, state: dict[str, Any]) -> None:
    envelope = build_envelope_from_state(state)
    second = envelope.published_at.replace(microsecond=0)
    for microseconds, verdict_stays in [(0, "0" * 32), (1, "1" * 32), (-1, "1" * 32)]:
        changes = {
            "published_at": second + timedelta(microseconds=microseconds),
            "correlation_id": str(abs(microseconds) + (microseconds < 0)) * 32,
        }
        await publish_decision_hash(redis, envelope.model_copy(update=changes))
        assert (await hash_of(redis))["correlation_id"] == verdict_stays


async def test_what_json_has_no_word_for_is_written_as_text_or_null(redis: Redis, state: dict[str, Any]) -> None:
    envelope = build_envelope_from_state(state, extra_meta={"ratio": float("nan"), "what": object})
    await publish_envelope(redis, DEFAULT_STREAM_NAME, envelope)
    [(_, fields)] = await redis.xrange(DEFAULT_STREAM_NAME)
    read = decode_envelope(fields)
    assert read is not None
    assert read.meta["ratio"] is None
    assert read.meta["what"] == "<class 'object'>"

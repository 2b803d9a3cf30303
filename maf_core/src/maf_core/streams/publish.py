"""Append to streams: plainly, or once and only once for a key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from maf_core.streams.codec import FIELD, encode
from maf_core.streams.names import STREAMS, beside
from maf_core.streams.raw import text

MARKER_SECONDS = 7 * 86_400

# The marker and the entry are written in one step on the server: a publisher that dies in between cannot be.
_ONCE = """
local id = redis.call('GET', KEYS[1])
if id then return {id, 0} end
id = redis.call('XADD', KEYS[2], '*', ARGV[1], ARGV[2])
redis.call('SET', KEYS[1], id, 'EX', ARGV[3])
return {id, 1}
"""


@dataclass(frozen=True, slots=True)
class Published:
    """The entry's id, and whether this call wrote it (`fresh`) or an earlier one had."""

    id: str
    fresh: bool


async def publish(redis: Redis, stream: str, payload: Mapping[str, Any]) -> str:
    """Append one entry and return its id."""
    return text(await redis.xadd(stream, encode(payload)))  # type: ignore[arg-type]


async def publish_once(redis: Redis, stream: str, key: str, payload: Mapping[str, Any]) -> Published:
    """Append one entry unless `key` was already published on this stream within the last seven days.

    One round trip, atomic on the server; safe to repeat after a crash.
    """
    script = redis.register_script(_ONCE)
    marker = beside(stream, "once", key)
    entry_id, fresh = await script(keys=[marker, stream], args=[FIELD, encode(payload)[FIELD], MARKER_SECONDS])
    return Published(text(entry_id), bool(fresh))


async def keep_bounded(redis: Redis, *streams: str) -> None:
    """Have the service trim these streams, though no consumer group of MAF's may ever read them."""
    await redis.sadd(STREAMS, *streams)

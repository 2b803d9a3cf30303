"""How fresh a source's data is, and where to look for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from redis.asyncio import Redis

from maf_core.streams.raw import entries


@dataclass(frozen=True, slots=True)
class StreamFreshness:
    """The source reads one stream: its length and the age of its last entry tell."""

    stream: str


@dataclass(frozen=True, slots=True)
class KeyFreshness:
    """The source reads cached keys: their number tells, and the last entry of `emit_stream` gives an age.

    A TTL says when a key will go, not when it was written; no age is invented from it.
    """

    pattern: str
    emit_stream: str | None = None


FreshnessSpec = StreamFreshness | KeyFreshness


@dataclass(frozen=True, slots=True)
class Freshness:
    """What the probe found: how much there is and how old the newest is, in seconds (None: unknown)."""

    kind: str
    count: int
    age_s: float | None


async def probe(redis: Redis, spec: FreshnessSpec) -> Freshness:
    """Look up a source's freshness on the server."""
    if isinstance(spec, StreamFreshness):
        return Freshness("stream", await redis.xlen(spec.stream), await _stream_age(redis, spec.stream))
    count = 0
    async for _ in redis.scan_iter(match=spec.pattern, count=500):
        count += 1
    age = await _stream_age(redis, spec.emit_stream) if spec.emit_stream else None
    return Freshness("key", count, age)


async def _stream_age(redis: Redis, stream: str) -> float | None:
    newest = entries(await redis.xrevrange(stream, count=1))
    if not newest:
        return None
    written_ms = int(newest[0][0].split("-")[0])
    return max(0.0, datetime.now(UTC).timestamp() - written_ms / 1000)

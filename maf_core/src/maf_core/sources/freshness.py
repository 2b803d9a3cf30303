"""How fresh a source's data is, and where to look for it: five kinds, for five ways to keep data, and one for unknown.

A source names its kind in `freshness_spec`; `probe` looks it up, without making the source.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from redis.asyncio import Redis

from maf_core.streams.raw import entries

_GLOB = re.compile(r"([*?\[\]\\])")


@dataclass(frozen=True, slots=True)
class StreamFreshness:
    """The source reads one stream: its length and the age of its last entry tell."""

    stream: str


@dataclass(frozen=True, slots=True)
class KeyFreshness:
    """The source reads cached keys that expire: their number tells, and the last entry of `emit_stream` gives an age.

    `pattern` is a glob. A TTL says when a key will go, not when it was written; no age is invented from it.
    """

    pattern: str
    emit_stream: str | None = None


@dataclass(frozen=True, slots=True)
class ScanFreshness:
    """The source reads keys that stay, all that begin with `prefix`: their number tells.

    The last entry of `emit_stream`, where the writer keeps one, gives an age.
    """

    prefix: str
    emit_stream: str | None = None


@dataclass(frozen=True, slots=True)
class ExternalFreshness:
    """The source asks another system at every call and keeps nothing here: there is nothing to probe."""


@dataclass(frozen=True, slots=True)
class RequestResponseFreshness:
    """The source puts a request on one stream and waits for the answer on another: the answers tell."""

    request_stream: str
    response_stream: str


@dataclass(frozen=True, slots=True)
class UnknownFreshness:
    """The source does not say where its data is. Unlike an external one it may well keep some, and that may be old."""


FreshnessSpec = (
    StreamFreshness | KeyFreshness | ScanFreshness | ExternalFreshness | RequestResponseFreshness | UnknownFreshness
)


@dataclass(frozen=True, slots=True)
class Freshness:
    """What the probe found: how much there is and how old the newest is, in seconds (None: unknown)."""

    kind: str
    count: int
    age_s: float | None


async def probe(redis: Redis, spec: FreshnessSpec) -> Freshness:
    """Look up a source's freshness on the server. What is not there counts 0 and has no age."""
    match spec:
        case StreamFreshness(stream):
            return Freshness("stream", *await _stream(redis, stream))
        case KeyFreshness(pattern, emit_stream):
            return Freshness("key", await _count(redis, pattern), await _age(redis, emit_stream))
        case ScanFreshness(prefix, emit_stream):
            literally = _GLOB.sub(r"\\\1", prefix)
            return Freshness("scan", await _count(redis, f"{literally}*"), await _age(redis, emit_stream))
        case RequestResponseFreshness(_, response_stream):
            return Freshness("request_response", *await _stream(redis, response_stream))
        case ExternalFreshness():
            return Freshness("external", 0, None)
        case UnknownFreshness():
            return Freshness("unknown", 0, None)


def streams_of(spec: FreshnessSpec) -> list[str]:
    """The streams that a spec names."""
    match spec:
        case StreamFreshness(stream):
            return [stream]
        case KeyFreshness(_, emit_stream) | ScanFreshness(_, emit_stream):
            return [emit_stream] if emit_stream else []
        case RequestResponseFreshness(request_stream, response_stream):
            return [request_stream, response_stream]
        case _:
            return []


async def _stream(redis: Redis, stream: str) -> tuple[int, float | None]:
    return await redis.xlen(stream), await _age(redis, stream)


async def _count(redis: Redis, pattern: str) -> int:
    # A scan may show a key more than once.
    return len({key async for key in redis.scan_iter(match=pattern, count=500)})


async def _age(redis: Redis, stream: str | None) -> float | None:
    """Seconds since the stream's last entry was written; None without one."""
    newest = entries(await redis.xrevrange(stream, count=1)) if stream else []
    if not newest:
        return None
    written_ms = int(newest[0][0].split("-")[0])
    return max(0.0, datetime.now(UTC).timestamp() - written_ms / 1000)

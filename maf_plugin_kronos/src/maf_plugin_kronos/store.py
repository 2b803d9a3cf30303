"""Where forecasts are kept: the newest of each series in a cache, the ones that say something new on a stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json, to_json
from redis.asyncio import Redis

from maf_core.clock import parse_time
from maf_core.errors import BadEntryError
from maf_core.streams.codec import FIELD
from maf_core.streams.names import beside

CACHE_PATTERN = "kronos:forecast:*"
EMITTED = "kronos:forecasts:emitted"
HEARTBEAT = "maf:refresher:kronos:heartbeat"
TOTALS = "maf:refresher:kronos:totals"

# ISO-8601 in UTC sorts like time. What others put under the key and we cannot read is replaced.
_SAVE = """
local ok, old = pcall(cjson.decode, redis.call('GET', KEYS[1]) or '')
if ok and type(old) == 'table' and type(old.as_of) == 'string' and old.as_of >= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""

# The state: `as_of` (microseconds) last considered, `prob_up` last emitted. It is written together with the entry, so a
# forecast that comes again, after a crash or from another worker, is never emitted twice.
_EMIT = """
local considered, emitted = unpack(redis.call('HMGET', KEYS[1], 'as_of', 'prob_up'))
if considered and tonumber(ARGV[1]) <= tonumber(considered) then return false end
redis.call('HSET', KEYS[1], 'as_of', ARGV[1])
local before, now = tonumber(emitted or '0.5'), tonumber(ARGV[2])
local flipped = emitted and (before >= 0.5) ~= (now >= 0.5) or false
if math.abs(now - before) <= tonumber(ARGV[3]) + 1e-9 and not flipped then return false end
redis.call('HSET', KEYS[1], 'prob_up', ARGV[2])
local change = string.format(',"prob_up_delta":%.17g,"direction_flipped":%s}', now - before, tostring(flipped))
return redis.call('XADD', KEYS[2], '*', ARGV[4], string.sub(ARGV[5], 1, -2) .. change)
"""


def cache_key(symbol: str, timeframe: str) -> str:
    """Where the newest forecast of a series is."""
    return f"kronos:forecast:{symbol}:{timeframe}"


def direction_of(prob_up: float) -> str:
    """`UP` from one half on, else `DOWN`."""
    return "UP" if prob_up >= 0.5 else "DOWN"


class ForecastStore:
    """Reads and writes forecasts: mappings with at least `symbol`, `tf`, `as_of` and `prob_up`."""

    def __init__(self, redis: Redis, ttl_s: int, threshold: float) -> None:
        self._redis = redis
        self._ttl_s = ttl_s
        self._threshold = threshold
        self._save = redis.register_script(_SAVE)
        self._emit = redis.register_script(_EMIT)

    async def cached(self, symbol: str, timeframe: str) -> dict[str, Any] | None:
        """The newest forecast of a series, or None when there is none that can be read."""
        return readable(await self._redis.get(cache_key(symbol, timeframe)))

    async def save(self, forecast: Mapping[str, Any]) -> bool:
        """Cache a forecast unless one at least as new is cached; tells whether it was."""
        key = cache_key(forecast["symbol"], forecast["tf"])
        saved = await self._save(keys=[key], args=[forecast["as_of"], to_json(forecast), self._ttl_s])
        return bool(saved)

    async def emit(self, forecast: Mapping[str, Any]) -> bool:
        """Put a forecast on the stream when it says something new; tells whether it was put there.

        New is: `prob_up` moved by more than the threshold since the last emitted one (0.5 before the first), or it
        crossed one half. Each `as_of` of a series is considered once, older ones never.
        """
        state = beside(EMITTED, "last", forecast["symbol"], forecast["tf"])
        moment = int(parse_time(forecast["as_of"]).timestamp() * 1_000_000)
        payload = to_json(forecast)
        entry_id = await self._emit(
            keys=[state, EMITTED], args=[moment, repr(forecast["prob_up"]), self._threshold, FIELD, payload]
        )
        return entry_id is not None

    async def count(self, name: str) -> None:
        """Add one to the total of this name."""
        await self._redis.hincrby(TOTALS, name, 1)

    async def totals(self) -> dict[str, int]:
        """How many forecasts were made, failed and emitted, by all workers together."""
        found = await self._redis.hgetall(TOTALS)
        return {name: int(found.get(name.encode(), 0)) for name in ("forecasts", "failures", "emitted")}


def readable(raw: bytes | str | None) -> dict[str, Any] | None:
    """A cached forecast, or None when it is missing or is no forecast."""
    try:
        found: dict[str, Any] = from_json(raw or b"")
        parse_time(found["as_of"])
    except (ValueError, TypeError, KeyError, BadEntryError):
        return None
    return found if found.keys() >= {"symbol", "tf", "prob_up"} else None

"""Where forecasts are kept: the newest of each series in a cache, the ones that say something new on a stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

# The state of each series: `as_of` (microseconds) last considered, `prob_up` last emitted. It is written together with
# the entry, so a forecast that comes again, after a crash or from another worker, is never emitted twice.
_EMIT = """
local answers = {}
for i = 2, #KEYS do
  local moment, prob, payload = ARGV[3 * i - 3], ARGV[3 * i - 2], ARGV[3 * i - 1]
  local considered, emitted = unpack(redis.call('HMGET', KEYS[i], 'as_of', 'prob_up'))
  answers[i - 1] = 0
  if not considered or tonumber(moment) > tonumber(considered) then
    redis.call('HSET', KEYS[i], 'as_of', moment)
    local before, now = tonumber(emitted or '0.5'), tonumber(prob)
    local flipped = emitted and (before >= 0.5) ~= (now >= 0.5) or false
    if math.abs(now - before) > tonumber(ARGV[1]) + 1e-9 or flipped then
      redis.call('HSET', KEYS[i], 'prob_up', prob)
      local change = string.format(',"prob_up_delta":%.17g,"direction_flipped":%s}', now - before, tostring(flipped))
      redis.call('XADD', KEYS[1], '*', ARGV[2], string.sub(payload, 1, -2) .. change)
      answers[i - 1] = 1
    end
  end
end
return answers
"""

Series = tuple[str, str]
Forecast = Mapping[str, Any]


def cache_key(symbol: str, timeframe: str) -> str:
    """Where the newest forecast of a series is."""
    return f"kronos:forecast:{symbol}:{timeframe}"


def direction_of(prob_up: float) -> str:
    """`UP` from one half on, else `DOWN`."""
    return "UP" if prob_up >= 0.5 else "DOWN"


class ForecastStore:
    """Reads and writes forecasts: mappings with at least `symbol`, `tf`, `as_of` and `prob_up`. One round trip each."""

    def __init__(self, redis: Redis, ttl_s: int, threshold: float) -> None:
        self._redis = redis
        self._ttl_s = ttl_s
        self._threshold = threshold
        self._emit = redis.register_script(_EMIT)

    async def cached(self, series: Sequence[Series]) -> list[dict[str, Any] | None]:
        """The newest forecast of each series (symbol, timeframe); None where there is none that can be read."""
        pipeline = self._redis.pipeline(transaction=False)
        for symbol, timeframe in series:
            pipeline.get(cache_key(symbol, timeframe))
        return [readable(found) for found in await pipeline.execute()]

    async def save(self, forecasts: Sequence[Forecast]) -> int:
        """Cache each forecast unless one at least as new is cached; tells how many were."""
        pipeline = self._redis.pipeline(transaction=False)
        for forecast in forecasts:
            key = cache_key(forecast["symbol"], forecast["tf"])
            pipeline.eval(_SAVE, 1, key, forecast["as_of"], to_json(forecast), self._ttl_s)
        return sum(await pipeline.execute())

    async def emit(self, forecasts: Sequence[Forecast]) -> int:
        """Put those on the stream that say something new, in their order; tells how many did.

        New is: `prob_up` moved by more than the threshold since the last emitted one (0.5 before the first), or it
        crossed one half. Each `as_of` of a series is considered once, older ones never.
        """
        if not forecasts:
            return 0
        states = [beside(EMITTED, "last", forecast["symbol"], forecast["tf"]) for forecast in forecasts]
        words: list[Any] = [self._threshold, FIELD]
        for forecast in forecasts:
            moment = int(parse_time(forecast["as_of"]).timestamp() * 1_000_000)
            words += [moment, repr(forecast["prob_up"]), to_json(forecast)]
        return sum(await self._emit(keys=[EMITTED, *states], args=words))

    async def count(self, **more: int) -> None:
        """Add to the totals of these names."""
        pipeline = self._redis.pipeline(transaction=False)
        for name, number in more.items():
            if number:
                pipeline.hincrby(TOTALS, name, number)
        await pipeline.execute()

    async def totals(self) -> dict[str, int]:
        """How many forecasts were made, failed and emitted, by all workers together."""
        found = await self._redis.hgetall(TOTALS)
        return {name: int(found.get(name.encode(), 0)) for name in ("forecasts", "failures", "emitted")}


def readable(raw: bytes | str | None) -> dict[str, Any] | None:
    """A cached forecast, or None when it is missing or is no forecast."""
    try:
        found: dict[str, Any] = from_json(raw or b"")
        parse_time(found["as_of"])
        likely = 0 <= found["prob_up"] <= 1
    except (ValueError, TypeError, KeyError, BadEntryError):
        return None
    return found if likely and found.keys() >= {"symbol", "tf"} else None

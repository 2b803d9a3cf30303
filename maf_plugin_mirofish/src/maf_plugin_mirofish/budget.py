"""The daily budget: how many simulations may be begun on one UTC day, by all workers together."""

from __future__ import annotations

from datetime import UTC, datetime

from redis.asyncio import Redis

from maf_core.streams.names import beside

_KEPT_SECONDS = 3 * 86_400

# Who holds a place is remembered beside the count, so that asking or giving back again after a crash changes nothing.
_RESERVE = """
if redis.call('SISMEMBER', KEYS[2], ARGV[1]) == 1 then return 1 end
if tonumber(redis.call('GET', KEYS[1]) or '0') >= tonumber(ARGV[2]) then return 0 end
redis.call('INCR', KEYS[1])
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[3])
return 1
"""
_REFUND = """
if redis.call('SREM', KEYS[2], ARGV[1]) == 0 then return 0 end
redis.call('DECR', KEYS[1])
return 1
"""


class DailyBudget:
    """Places on a day: at most `limit` are taken, and a run that comes to nothing gives its place back."""

    def __init__(self, redis: Redis, reports_stream: str, limit: int) -> None:
        self.limit = limit
        self._redis = redis
        self._stream = reports_stream
        self._reserve = redis.register_script(_RESERVE)
        self._refund = redis.register_script(_REFUND)

    @staticmethod
    def today() -> str:
        """The day on which money is spent: the wall's, also in a replay."""
        return datetime.now(UTC).date().isoformat()

    async def reserve(self, day: str, run_id: str) -> bool:
        """Take a place on this day; False when there is none left. A run that holds one already keeps it."""
        return bool(await self._reserve(keys=self._keys(day), args=[run_id, self.limit, _KEPT_SECONDS]))

    async def refund(self, day: str, run_id: str) -> bool:
        """Give a place back; False when the run holds none."""
        return bool(await self._refund(keys=self._keys(day), args=[run_id]))

    async def used(self, day: str) -> int:
        """How many places are taken."""
        return int(await self._redis.get(self._keys(day)[0]) or 0)

    def _keys(self, day: str) -> list[str]:
        count = beside(self._stream, "mirofish", "budget", day)
        return [count, f"{count}:runs"]

"""Where outcomes go: the cache, one entry a report; the stream, those that came to a result; and the totals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json, to_json
from redis.asyncio import Redis

from maf_core import BadEntryError, publish_once
from maf_core.clock import parse_time
from maf_core.streams.names import beside

CACHE_PATTERN = "mirofish:sim:*"
EMITTED = "mirofish:sims:emitted"
HEARTBEAT = "maf:refresher:mirofish:heartbeat"
TOTALS = "maf:refresher:mirofish:totals"


def cache_key(report_id: str) -> str:
    """Where the outcome of a report's simulation is."""
    return f"mirofish:sim:{report_id}"


def failure_key(symbol: str) -> str:
    """Where the last failure of a symbol is."""
    return beside(EMITTED, "failed", symbol.upper())


class OutcomeStore:
    """Publishes outcomes: mappings with at least `report_id`, `symbol`, `status` (completed, failed) and `as_of`."""

    def __init__(self, redis: Redis, ttl_s: int) -> None:
        self._redis = redis
        self._ttl_s = ttl_s

    async def publish(self, outcome: Mapping[str, Any]) -> None:
        """Cache an outcome; put it on the stream if it is a result. Doing so again changes nothing."""
        await self._redis.set(cache_key(outcome["report_id"]), to_json(outcome), ex=self._ttl_s)
        if outcome["status"] == "completed":
            await publish_once(self._redis, EMITTED, outcome["report_id"], outcome)
        else:
            await self._redis.set(failure_key(outcome["symbol"]), to_json(outcome), ex=self._ttl_s)

    async def count(self, name: str) -> None:
        """Add one to the total of this name."""
        await self._redis.hincrby(TOTALS, name, 1)

    async def totals(self) -> dict[str, int]:
        """How many reports were accepted, and how many simulations completed and failed, by all workers together."""
        found = await self._redis.hgetall(TOTALS)
        return {name: int(found.get(name.encode(), 0)) for name in ("accepted", "completed", "failed")}


def readable(raw: bytes | str | None) -> dict[str, Any] | None:
    """A cached outcome, or None when it is missing or is none."""
    try:
        found: dict[str, Any] = from_json(raw or b"")
        parse_time(found["as_of"])
    except (ValueError, TypeError, KeyError, BadEntryError):
        return None
    return found if found.keys() >= {"report_id", "symbol", "status"} else None

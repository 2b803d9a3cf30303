"""The watch list: which targets somebody is interested in, and until when."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

from pydantic_core import from_json, to_json
from redis.asyncio import Redis

from maf_core.streams.names import WATCH, beside
from maf_core.streams.raw import text

Kind = Literal["symbol", "document", "question"]
KINDS: tuple[Kind, ...] = get_args(Kind)


# In one step, so that interest renewed meanwhile is not lost.
_DECAY = """
local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
for _, member in ipairs(gone) do
  redis.call('ZREM', KEYS[1], member)
  redis.call('HDEL', KEYS[2], member)
end
return #gone
"""


@dataclass(frozen=True, slots=True)
class Watched:
    """A watched target. `expires_at` is Unix seconds, wall time."""

    target_id: str
    kind: Kind
    expires_at: float
    attrs: dict[str, Any] = field(default_factory=dict)


class WatchList:
    """One sorted set on the server; the score is when the interest ends."""

    def __init__(self, redis: Redis, key: str = WATCH) -> None:
        self._redis = redis
        self._key = key
        self._attrs = beside(key, "attrs")

    async def add(self, target_id: str, kind: Kind, ttl_seconds: float, attrs: Mapping[str, Any] | None = None) -> None:
        """Be interested for at least `ttl_seconds` from now: a later end extends, an earlier one changes nothing."""
        if not attrs:
            await self.extend({(target_id, kind): ttl_seconds})
            return
        pipeline = self._redis.pipeline(transaction=True)
        pipeline.zadd(self._key, {_member(target_id, kind): time.time() + ttl_seconds}, gt=True)
        pipeline.hset(self._attrs, _member(target_id, kind), to_json(attrs))
        await pipeline.execute()

    async def extend(self, interest: Mapping[tuple[str, Kind], float]) -> None:
        """Be interested in each of these for at least so many seconds from now. One round trip."""
        now = time.time()
        ends = {_member(target_id, kind): now + ttl_s for (target_id, kind), ttl_s in interest.items()}
        if ends:
            await self._redis.zadd(self._key, ends, gt=True)

    async def remove(self, target_id: str, kind: Kind) -> bool:
        """Lose interest at once; tells whether there was any."""
        pipeline = self._redis.pipeline(transaction=True)
        pipeline.zrem(self._key, _member(target_id, kind))
        pipeline.hdel(self._attrs, _member(target_id, kind))
        return bool((await pipeline.execute())[0])

    async def members(self, kind: Kind | None = None) -> list[Watched]:
        """What is watched now, by target. Two commands, one round trip."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.zrangebyscore(self._key, time.time(), "+inf", withscores=True)
        pipeline.hgetall(self._attrs)
        rows, attrs = await pipeline.execute()
        found = [_watched(text(member), float(score), attrs.get(member)) for member, score in rows]
        wanted = [item for item in found if item.kind == kind or (kind is None and item.kind in KINDS)]
        return sorted(wanted, key=lambda item: (item.kind, item.target_id))

    async def watches(self, target_id: str, kind: Kind) -> bool:
        """Whether anybody is interested in this target now. One round trip."""
        score = await self._redis.zscore(self._key, _member(target_id, kind))
        return score is not None and score > time.time()

    async def decay(self) -> int:
        """Drop what nobody is interested in any more, and return how many that were."""
        return int(await self._redis.register_script(_DECAY)(keys=[self._key, self._attrs], args=[time.time()]))


def _member(target_id: str, kind: Kind) -> str:
    return f"{kind}|{target_id}"


def _watched(member: str, expires_at: float, attrs: bytes | None) -> Watched:
    """What stands in the sorted set. Others may write there too: attributes that are no JSON object count as none."""
    kind, _, target_id = member.partition("|")
    try:
        about = from_json(attrs or b"")
    except ValueError:
        about = None
    return Watched(target_id, cast("Kind", kind), expires_at, about if isinstance(about, dict) else {})

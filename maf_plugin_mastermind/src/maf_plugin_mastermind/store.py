"""The memories on the server: JSON in two hashes, and for each arena its decisions in the order of their time.

A memory and its outcome are written separately and never rewritten, so that nothing is read, changed and lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import structlog
from pydantic_core import from_json, to_json
from redis.asyncio import Redis

from maf_core import Memory, Outcome
from maf_core.streams.names import beside
from maf_core.streams.raw import text

log = structlog.get_logger(__name__)

FORMAT = 1
# All in one cluster slot, so that one script can touch them.
MEMORIES = beside("mastermind", "memories")
OUTCOMES = beside("mastermind", "outcomes")

# ARGV: the run, its memory, its moment, how many to keep.
_REMEMBER = """
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then return end
redis.call('ZADD', KEYS[3], ARGV[3], ARGV[1])
for _, old in ipairs(redis.call('ZRANGE', KEYS[3], 0, -(tonumber(ARGV[4]) + 1))) do
  redis.call('HDEL', KEYS[1], old)
  redis.call('HDEL', KEYS[2], old)
  redis.call('ZREM', KEYS[3], old)
end
"""
# ARGV: the run, its outcome.
_OUTCOME = """
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then redis.call('HSETNX', KEYS[2], ARGV[1], ARGV[2]) end
"""


class MemoryStore:
    """Keeps `keep` memories of each arena, the newest by `as_of`."""

    def __init__(self, redis: Redis, keep: int) -> None:
        self._redis = redis
        self._keep = keep
        self._remember = redis.register_script(_REMEMBER)
        self._outcome = redis.register_script(_OUTCOME)

    async def add(self, memory: Memory) -> None:
        """Keep a memory, if it is new, and forget what is too old. One atomic round trip."""
        await self._remember(
            keys=[MEMORIES, OUTCOMES, timeline(memory.arena)],
            args=[memory.arena_id, _packed(memory), memory.as_of.timestamp(), self._keep],
        )

    async def add_outcome(self, arena_id: str, outcome: Outcome) -> None:
        """Keep the first outcome of a decision that is remembered. One atomic round trip."""
        await self._outcome(keys=[MEMORIES, OUTCOMES], args=[arena_id, _packed(outcome)])

    async def before(self, arena: str, moment: datetime) -> list[Memory]:
        """What the arena had decided before `moment`, as it was known then; two round trips."""
        found = await self._redis.zrangebyscore(timeline(arena), "-inf", f"({moment.timestamp()!r}")
        ids = [text(member) for member in found]
        if not ids:
            return []
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.hmget(MEMORIES, ids)
        pipeline.hmget(OUTCOMES, ids)
        return [known for memory in _memories(*await pipeline.execute()) if (known := memory.known_before(moment))]


def timeline(arena: str) -> str:
    """The sorted set of an arena's decisions; the score is their `as_of` as a Unix timestamp."""
    return beside("mastermind", "arena", arena)


def _packed(record: Memory | Outcome) -> bytes:
    return to_json({"format": FORMAT, **record.model_dump(mode="json", exclude={"outcome"})})


def _memories(memories: list[bytes | None], outcomes: list[bytes | None]) -> Iterator[Memory]:
    for memory, outcome in zip(memories, outcomes, strict=True):
        if memory is not None:  # it may have been forgotten between the two round trips
            try:
                yield Memory.model_validate(_unpacked(memory) | ({"outcome": _unpacked(outcome)} if outcome else {}))
            except ValueError as error:
                log.warning("memory_skipped", reason=str(error))


def _unpacked(packed: bytes) -> dict[str, Any]:
    content = from_json(packed)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f"it is not of format {FORMAT}; another version may have written it")
    return content

"""What a consumer group does on the server: deliver, take over, acknowledge, bury."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from maf_core.streams.names import DEAD, GROUPS
from maf_core.streams.publish import publish_once
from maf_core.streams.raw import RawFields, by_stream, entries, text

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """An entry as the server handed it out; `count` says how often it did, this time included."""

    stream: str
    id: str
    fields: RawFields = field(repr=False, hash=False, compare=False)
    count: int = field(default=1, compare=False)


class Group:
    """One consumer's hold on a group over several streams."""

    def __init__(self, redis: Redis, name: str, streams: Sequence[str], consumer: str, lease_s: float) -> None:
        self.redis = redis
        self.name = name
        self.streams = list(dict.fromkeys(streams))
        self.consumer = consumer
        self.lease_ms = int(lease_s * 1000)

    async def create(self, start: str) -> None:
        """Create the group where it is missing, and register it where `until_quiet` finds it."""
        for stream in self.streams:
            try:
                await self.redis.xgroup_create(stream, self.name, start, mkstream=True)
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise
        if self.streams:
            await self.redis.sadd(GROUPS, *(f"{stream}\n{self.name}" for stream in self.streams))

    async def new(self, count: int, block_ms: int) -> list[Delivery]:
        """Entries never delivered before; waits for one at most `block_ms`."""
        return await self._read(">", count, block_ms)

    async def own(self) -> list[Delivery]:
        """What this consumer took before and never acknowledged."""
        return await self._read("0", None, None)

    async def abandoned(self, count: int) -> list[Delivery]:
        """Take over what other consumers have held in silence for longer than the lease."""
        taken: list[Delivery] = []
        for stream in self.streams:
            _, found, deleted = await self.redis.xautoclaim(
                stream, self.name, self.consumer, min_idle_time=self.lease_ms, count=count
            )
            if deleted:
                log.warning("entries_trimmed_before_ack", stream=stream, group=self.name, count=len(deleted))
            for entry_id, fields in entries(found):
                taken.append(Delivery(stream, entry_id, fields, await self._delivered(stream, entry_id)))
        return taken

    async def ack(self, deliveries: Iterable[Delivery]) -> None:
        """Acknowledge, in one round trip."""
        pipeline = self.redis.pipeline(transaction=False)
        for stream, ids in _by_stream(deliveries).items():
            pipeline.xack(stream, self.name, *ids)
        await pipeline.execute()

    async def renew(self, deliveries: Iterable[Delivery]) -> None:
        """Reset the idle time of what is in work, so that nobody takes a long run over."""
        await self._claim(deliveries, idle_ms=0)

    async def hand_back(self, deliveries: Iterable[Delivery]) -> None:
        """Make entries claimable by others at once."""
        await self._claim(deliveries, idle_ms=self.lease_ms)

    async def leave(self) -> None:
        """Remove this consumer from the group; it must hold nothing."""
        for stream in self.streams:
            await self.redis.xgroup_delconsumer(stream, self.name, self.consumer)

    async def bury(self, delivery: Delivery, reason: str) -> None:
        """Put an entry that will never be handled on the dead-letter stream, with its origin and the reason."""
        log.warning("entry_dead", stream=delivery.stream, entry=delivery.id, group=self.name, reason=reason)
        letter = {
            "stream": delivery.stream,
            "entry_id": delivery.id,
            "group": self.name,
            "reason": reason,
            "fields": {text(name): text(value) for name, value in delivery.fields.items()},
        }
        await publish_once(self.redis, DEAD, f"{delivery.stream}:{delivery.id}:{self.name}", letter)

    async def _read(self, after: str, count: int | None, block_ms: int | None) -> list[Delivery]:
        answer = await self.redis.xreadgroup(
            self.name, self.consumer, dict.fromkeys(self.streams, after), count=count, block=block_ms
        )
        return [Delivery(stream, entry_id, fields) for stream, found in by_stream(answer) for entry_id, fields in found]

    async def _delivered(self, stream: str, entry_id: str) -> int:
        detail = await self.redis.xpending_range(stream, self.name, entry_id, entry_id, 1)
        return int(detail[0]["times_delivered"]) if detail else 1

    async def _claim(self, deliveries: Iterable[Delivery], idle_ms: int) -> None:
        pipeline = self.redis.pipeline(transaction=False)
        for stream, ids in _by_stream(deliveries).items():
            pipeline.xclaim(stream, self.name, self.consumer, 0, ids, idle=idle_ms, justid=True)
        await pipeline.execute()


def _by_stream(deliveries: Iterable[Delivery]) -> dict[str, list[Any]]:
    ids: dict[str, list[Any]] = {}
    for delivery in deliveries:
        ids.setdefault(delivery.stream, []).append(delivery.id)
    return ids

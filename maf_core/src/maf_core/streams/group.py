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

_MOST_HELD = 10_000

# Removing a consumer forgets what it holds, and a read that was cut short may have given it something just now: so it
# is looked at and removed in one step. An empty name stands for all, idle for at least ARGV[3] milliseconds.
_REMOVE = """
local gone, all = 0, redis.pcall('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])
if all.err then return 0 end
for _, found in ipairs(all) do
  local consumer = {}
  for i = 1, #found, 2 do consumer[found[i]] = found[i + 1] end
  local meant = ARGV[2] == '' or ARGV[2] == consumer['name']
  if meant and consumer['pending'] == 0 and consumer['idle'] >= tonumber(ARGV[3]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer['name'])
    gone = gone + 1
  end
end
return gone
"""


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
        """Entries never delivered before, at most `count` of each stream; waits for one at most `block_ms`."""
        answer = await self.redis.xreadgroup(
            self.name, self.consumer, dict.fromkeys(self.streams, ">"), count=count, block=block_ms
        )
        return [Delivery(stream, entry_id, fields) for stream, found in by_stream(answer) for entry_id, fields in found]

    async def own(self) -> list[Delivery]:
        """What this consumer took before and never acknowledged: its process died, or its worker was restarted."""
        taken: list[Delivery] = []
        for stream in self.streams:
            counts = await self._pending(stream)
            # Claiming, unlike reading again, counts: an entry that kills its consumer each time must be given up.
            if counts:
                found = await self.redis.xclaim(stream, self.name, self.consumer, 0, list(counts))
                taken += self._deliveries(stream, found, {entry_id: count + 1 for entry_id, count in counts.items()})
        return taken

    async def abandoned(self, count: int) -> list[Delivery]:
        """Take over what consumers have held in silence for longer than the lease."""
        taken: list[Delivery] = []
        for stream in self.streams:
            _, found, _ = await self.redis.xautoclaim(
                stream, self.name, self.consumer, min_idle_time=self.lease_ms, count=count
            )
            if found:
                taken += self._deliveries(stream, found, await self._pending(stream))
        return taken

    async def ack(self, deliveries: Iterable[Delivery]) -> None:
        """Acknowledge, in one round trip."""
        pipeline = self.redis.pipeline(transaction=False)
        for stream, ids in _by_stream(deliveries).items():
            pipeline.xack(stream, self.name, *ids)
        await pipeline.execute()

    async def renew(self, deliveries: Iterable[Delivery]) -> None:
        """Reset the idle time of what is in work, so that nobody takes a long run over."""
        pipeline = self.redis.pipeline(transaction=False)
        for stream, ids in _by_stream(deliveries).items():
            pipeline.xclaim(stream, self.name, self.consumer, 0, ids, justid=True)
        await pipeline.execute()

    async def leave(self) -> None:
        """Make what this consumer still holds claimable by others at once; holding nothing, remove it."""
        for stream in self.streams:
            pipeline = self.redis.pipeline(transaction=False)
            for entry_id, count in (await self._pending(stream)).items():
                # Leaving in good order is no death: this delivery does not count.
                back = {"idle": self.lease_ms, "retrycount": count - 1, "justid": True}
                pipeline.xclaim(stream, self.name, self.consumer, 0, [entry_id], **back)  # type: ignore[arg-type]
            await pipeline.execute()
            await _remove(self.redis, stream, self.name, self.consumer, idle_ms=0)

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

    async def _pending(self, stream: str) -> dict[str, int]:
        """The ids this consumer holds, and how often each was delivered."""
        rows = await self.redis.xpending_range(stream, self.name, "-", "+", _MOST_HELD, consumername=self.consumer)
        return {text(row["message_id"]): int(row["times_delivered"]) for row in rows}

    def _deliveries(self, stream: str, found: Any, counts: dict[str, int]) -> list[Delivery]:
        return [Delivery(stream, entry_id, fields, counts.get(entry_id, 1)) for entry_id, fields in entries(found)]


async def forget_consumers(redis: Redis, stream: str, group: str, idle_s: float) -> int:
    """Remove the consumers that have been silent for `idle_s` and hold nothing, and return how many that were.

    Every process has a name of its own in a group; those that were killed would stay for ever.
    """
    return await _remove(redis, stream, group, "", idle_ms=int(idle_s * 1000))


async def _remove(redis: Redis, stream: str, group: str, consumer: str, idle_ms: int) -> int:
    return int(await redis.register_script(_REMOVE)(keys=[stream], args=[group, consumer, idle_ms]))


def _by_stream(deliveries: Iterable[Delivery]) -> dict[str, list[Any]]:
    ids: dict[str, list[Any]] = {}
    for delivery in deliveries:
        ids.setdefault(delivery.stream, []).append(delivery.id)
    return ids

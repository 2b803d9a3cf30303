"""What a consumer does on the server: read, take over, keep, acknowledge, leave."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from maf_core.streams import scripts
from maf_core.streams.ids import order
from maf_core.streams.names import GROUPS
from maf_core.streams.raw import RawFields, by_stream, text

Ids = Mapping[str, Collection[str]]  # by stream


class Delivery(NamedTuple):
    """An entry as the server handed it out; `times` says how often it did, this time included.

    `fields` is None for one that was not handed out: it was as often as was asked for already.
    """

    stream: str
    id: str
    fields: RawFields | None
    times: int = 1


class Group:
    """One consumer's hold on a group over streams that one command can reach."""

    def __init__(
        self, redis: Redis, name: str, streams: Sequence[str], consumer: str, lease_s: float, *, own_name: bool = False
    ) -> None:
        self.redis = redis
        self.name = name
        self.streams = list(streams)
        self.consumer = consumer
        self._who = (name, consumer)
        self._lease_ms = int(lease_s * 1000)
        self._own_counts = int(not own_name)
        self._take, self._ack, self._renew, self._leave = map(
            redis.register_script, (scripts.TAKE, scripts.ACK, scripts.RENEW, scripts.LEAVE)
        )

    async def new(self, count: int, block_ms: int) -> list[Delivery]:
        """Entries never delivered before, at most `count` of each stream; waits for one at most `block_ms`."""
        answer = await self.redis.xreadgroup(*self._who, dict.fromkeys(self.streams, ">"), count=count, block=block_ms)
        return [Delivery(stream, entry_id, fields) for stream, found in by_stream(answer) for entry_id, fields in found]

    async def own(self, stream: str, after: str, most: int) -> Delivery | None:
        """Take the next entry that this consumer holds since before: its process died, or it was restarted.

        If nobody else ever had its name, its process lives, and this does not count as another delivery.

        `after`: the id before it. One that was delivered `most` times already is not taken, only named.
        """
        return await self._taken(stream, [most, _start(after), "", 0, self._own_counts])

    async def abandoned(self, stream: str, after: str, most: int, held: int) -> Delivery | None:
        """Take the next entry that another has held in silence for longer than the lease.

        `held`: how many this consumer holds; `after` and `most` as for `own`.
        """
        return await self._taken(stream, [most, _start(after), self._lease_ms, held + 1, 1])

    async def ack(self, ids: Ids) -> None:
        """Acknowledge what of these, the oldest first, this consumer still holds; the rest is others' by now."""
        await self._ack(*self._arguments(ids))

    async def renew(self, ids: Ids) -> list[tuple[str, str]]:
        """Reset the idle time, so that nobody takes these over; returns those that somebody has, with their stream."""
        keys, args = self._arguments({stream: sorted(found, key=order) for stream, found in ids.items()})
        return [(keys[place - 1], text(entry_id)) for place, entry_id in await self._renew(keys, args)]

    async def leave(self, ids: Ids) -> None:
        """Make what this consumer holds claimable by others at once; holding nothing, it is forgotten.

        `ids`: the entries whose last delivery is not to count.
        """
        await self._leave(*self._arguments({stream: ids.get(stream, ()) for stream in self.streams}))

    def _arguments(self, ids: Ids) -> tuple[list[str], list[Any]]:
        args: list[Any] = [*self._who, self._lease_ms]
        for found in ids.values():
            args += [len(found), *found]
        return list(ids), args

    async def _taken(self, stream: str, args: list[Any]) -> Delivery | None:
        found = await self._take([stream], [*self._who, *args])
        if not found:
            return None
        entry_id, times, *fields = found
        pairs = iter(fields[0]) if fields else None
        return Delivery(stream, text(entry_id), dict(zip(pairs, pairs, strict=True)) if pairs else None, times)


def _start(after: str) -> str:
    return f"({after}" if after else "-"


async def create_groups(redis: Redis, group: str, streams: Sequence[str], start: str) -> None:
    """Create the group where it is missing, and register it where `until_quiet` finds it."""
    for stream in streams:
        try:
            await redis.xgroup_create(stream, group, start, mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
    if streams:
        await redis.sadd(GROUPS, *(f"{stream}\n{group}" for stream in streams))


async def forget_consumers(redis: Redis, stream: str, group: str, idle_s: float) -> int:
    """Remove the consumers that have been silent for `idle_s` and hold nothing, and return how many that were.

    Every process has a name of its own in a group; those that were killed would stay for ever.
    """
    return int(await redis.register_script(scripts.FORGET)(keys=[stream], args=[group, int(idle_s * 1000)]))

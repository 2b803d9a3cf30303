"""Take entries from streams through a consumer group: every entry is handled, whoever dies.

An entry stays pending until its handler has returned. What a dead consumer held is taken over when it has been idle
for the lease; what cannot be handled after several tries goes to `maf:dead` with the reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from redis.asyncio import Redis

from maf_core.streams.attempts import Attempts
from maf_core.streams.burial import bury
from maf_core.streams.cluster import by_slot
from maf_core.streams.entry import FROM_START, NEW_ONLY, SERVER_AWAY, ConsumerOptions, Entry, Handler
from maf_core.streams.group import Delivery, Group, create_groups
from maf_core.streams.lane import Ask, Lane, Work
from maf_core.streams.places import Places
from maf_core.tasks import cancelled

__all__ = ["FROM_START", "NEW_ONLY", "SERVER_AWAY", "ConsumerOptions", "Entry", "GroupConsumer", "Handler"]


class GroupConsumer:
    """One consumer of a group, over one or more streams."""

    def __init__(
        self, redis: Redis, group: str, streams: Sequence[str], consumer: str, options: ConsumerOptions | None = None
    ) -> None:
        self.options = options or ConsumerOptions()
        self.streams = list(dict.fromkeys(streams))
        self.bad_entries = 0
        # Told of an entry that will never be handled, and why, before the dead letter is written.
        self.on_dead: Callable[[Delivery, str], Awaitable[None]] | None = None
        # Awaited before entries are acknowledged: writes, for all of them at once, what need not be there before.
        self.before_ack: Callable[[], Awaitable[None]] | None = None
        self._redis = redis
        self._name = group
        self._consumer = consumer
        self._lanes: dict[str, Lane] = {}  # by stream

    async def create_groups(self) -> None:
        """Create the group on every stream; entries that come from now on are not missed."""
        await create_groups(self._redis, self._name, self.streams, self.options.start)

    async def run(self, handler: Handler, stop: asyncio.Event) -> None:
        """Consume until `stop` is set; what was begun is finished first, the rest is handed back.

        On a cluster one command reads the streams of one slot: each slot has a lane, and all lanes share the places.
        """
        if not self.streams:
            await stop.wait()
            return
        await self.create_groups()
        options = self.options
        work = Work(options, Attempts(handler, options), Places(options.concurrency), stop, self._bury, self.before_ack)
        lanes = [Lane(group, work) for group in self._groups()]
        self._lanes = {stream: lane for lane in lanes for stream in lane.streams}
        tasks = [asyncio.create_task(lane.run()) for lane in lanes]
        try:
            await asyncio.gather(*tasks)
        finally:
            await cancelled(tasks)

    async def take_in(self, stream: str, ask: Ask) -> Any:
        """Handle what `ask` takes from a stream for this consumer, as it would what it reads: see `Lane.take_in`."""
        lane = self._lanes.get(stream)
        return None if lane is None else await lane.take_in(ask)

    def _groups(self) -> list[Group]:
        return [
            Group(
                self._redis,
                self._name,
                streams,
                self._consumer,
                self.options.lease_s,
                own_name=self.options.own_name,
            )
            for streams in by_slot(self._redis, self.streams)
        ]

    async def _bury(self, delivery: Delivery, reason: str) -> None:
        self.bad_entries += 1
        if self.on_dead is not None:
            await self.on_dead(delivery, reason)
        await bury(self._redis, self._name, delivery, reason, self.options.max_bytes)

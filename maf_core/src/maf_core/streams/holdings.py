"""What a consumer holds of its streams, and whether it is still its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress

import structlog
from redis.exceptions import RedisError

from maf_core.streams.group import Delivery, Group

log = structlog.get_logger(__name__)


class Holdings:
    """The entries in work or waiting for it. A process that stalls for the lease loses them to others."""

    def __init__(self, group: Group, lease_s: float) -> None:
        self._group = group
        self._lease_s = lease_s
        self._ids: dict[str, set[str]] = {stream: set() for stream in group.streams}
        self._now = asyncio.get_running_loop().time
        # Nobody can have taken anything over before.
        self._doubtful_from = 0.0

    def __len__(self) -> int:
        return sum(map(len, self._ids.values()))

    def add(self, deliveries: Iterable[Delivery], asked_at: float) -> None:
        """Hold these, asked for at this moment of the loop's time."""
        for stream, ids in _by_stream(deliveries).items():
            self._ids[stream].update(ids)
        self._doubtful_from = asked_at + self._lease_s / 2

    async def ours(self, delivery: Delivery) -> bool:
        """Whether it is still this consumer's; asks the server when that is not certain."""
        if self._now() >= self._doubtful_from:
            await self.renew()
        return delivery.id in self._ids[delivery.stream]

    async def confirmed(self, delivery: Delivery) -> bool:
        """Whether the server says that it is this consumer's."""
        await self.renew()
        return delivery.id in self._ids[delivery.stream]

    async def renew(self) -> None:
        """Hold all for another lease, but for what others have taken over meanwhile."""
        asked_at = self._now()
        held = {stream: ids for stream, ids in self._ids.items() if ids}
        for stream, entry_id in await self._group.renew(held) if held else ():
            if entry_id in self._ids[stream]:
                self._ids[stream].discard(entry_id)
                log.warning("entry_taken_over", stream=stream, entry=entry_id, group=self._group.name)
        self._doubtful_from = asked_at + self._lease_s / 2

    async def keep(self) -> None:
        """Renew in good time, for ever."""
        while True:
            await asyncio.sleep(self._lease_s / 3)
            with suppress(RedisError):  # if the server is away, reading notices
                await self.renew()

    async def ack(self, deliveries: Iterable[Delivery]) -> None:
        """Acknowledge those that are still this consumer's, the oldest first."""
        done = _by_stream(deliveries)
        for stream, ids in done.items():
            self._ids[stream].difference_update(ids)
        await self._group.ack(done)

    async def leave(self) -> None:
        """Hand everything back."""
        await self._group.leave(self._ids)


def _by_stream(deliveries: Iterable[Delivery]) -> dict[str, list[str]]:
    ids: dict[str, list[str]] = {}
    for delivery in deliveries:
        ids.setdefault(delivery.stream, []).append(delivery.id)
    return ids

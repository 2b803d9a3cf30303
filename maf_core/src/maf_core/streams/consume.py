"""Take entries from streams through a consumer group: every entry is handled, whoever dies.

An entry stays pending until its handler has returned. What a dead consumer held is taken over when it has been idle
for the lease; what cannot be handled after several tries goes to `maf:dead` with the reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from maf_core.errors import BadEntryError
from maf_core.streams import codec
from maf_core.streams.group import Delivery, Group
from maf_core.tasks import cancelled

log = structlog.get_logger(__name__)

NEW_ONLY = "$"
FROM_START = "0"
_RECLAIM_SECONDS = 5.0
_RETRY_SECONDS = 0.1
# The server is away; nothing is wrong with the work. Whoever meets this lets it through: the worker is made anew and
# the entry, still pending, is handled again.
SERVER_AWAY = (RedisConnectionError, RedisTimeoutError)


@dataclass(frozen=True, slots=True)
class Entry:
    """One decoded stream entry. `deliveries` counts how often it was handed out, this time included."""

    stream: str
    id: str
    payload: dict[str, Any]
    deliveries: int = 1


Handler = Callable[[Entry], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ConsumerOptions:
    """How a group consumes.

    `lease_s`: after how long a silent consumer's entry is taken over. `start`: where a group that does not exist yet
    begins. `concurrency`: entries handled at once; 1 keeps their order. `attempts`: tries in a row for a handler that
    raises. `max_deliveries`: after so many consumers died over an entry, it is given up.
    """

    start: str = NEW_ONLY
    lease_s: float = 60.0
    batch: int = 64
    # How soon a stop is noticed. A read is not cut short for it: its connection would be lost, and perhaps its answer.
    block_ms: int = 200
    concurrency: int = 1
    attempts: int = 3
    max_deliveries: int = 5


class GroupConsumer:
    """One consumer of a group, over one or more streams."""

    def __init__(
        self, redis: Redis, group: str, streams: Sequence[str], consumer: str, options: ConsumerOptions | None = None
    ) -> None:
        self.options = options or ConsumerOptions()
        self.bad_entries = 0
        self._group = Group(redis, group, streams, consumer, self.options.lease_s)
        self._held: set[Delivery] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(self.options.concurrency)

    @property
    def streams(self) -> list[str]:
        """The streams consumed."""
        return self._group.streams

    async def create_groups(self) -> None:
        """Create the group on every stream; entries that come from now on are not missed."""
        await self._group.create(self.options.start)

    async def run(self, handler: Handler, stop: asyncio.Event) -> None:
        """Consume until `stop` is set; what was begun is finished first, the rest is handed back."""
        if not self.streams:
            await stop.wait()
            return
        await self.create_groups()
        keeper = asyncio.create_task(self._keep_leases())
        try:
            await self._consume(handler, stop)
        finally:
            await cancelled([keeper, *self._tasks])
            with suppress(*SERVER_AWAY):
                await asyncio.shield(self._leave())

    async def _consume(self, handler: Handler, stop: asyncio.Event) -> None:
        await self._take(handler, await self._group.own(), stop)
        loop = asyncio.get_running_loop()
        reclaim_at = loop.time()
        while not stop.is_set():
            if loop.time() >= reclaim_at:
                reclaim_at = loop.time() + min(self.options.lease_s / 2, _RECLAIM_SECONDS)
                await self._take(handler, await self._abandoned(), stop)
            await self._until_room()
            await self._take(handler, await self._group.new(self._room(), self.options.block_ms), stop)
        await self._finish()

    async def _abandoned(self) -> list[Delivery]:
        """What others left; after a stall of this whole process its own work looks abandoned too."""
        return [delivery for delivery in await self._group.abandoned(self._room()) if delivery not in self._held]

    def _room(self) -> int:
        """How many entries may be read now: no more than can be worked on, so that others can have the rest."""
        if self.options.concurrency == 1:
            return self.options.batch
        return max(1, self.options.concurrency - len(self._tasks))

    async def _take(self, handler: Handler, deliveries: list[Delivery], stop: asyncio.Event) -> None:
        self._held.update(deliveries)
        if self.options.concurrency > 1:
            for delivery in deliveries:
                task = asyncio.create_task(self._handle_and_ack(handler, delivery))
                self._tasks.add(task)
            return
        done: list[Delivery] = []
        try:
            for delivery in deliveries:
                if stop.is_set():
                    return
                await self._handle(handler, delivery)
                done.append(delivery)
        finally:
            if done:
                await self._ack(done)

    async def _until_room(self) -> None:
        """Collect finished tasks; wait for one when all places are taken. A server gone away is raised here."""
        if len(self._tasks) >= self.options.concurrency:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in [task for task in self._tasks if task.done()]:
            self._tasks.discard(task)
            task.result()

    async def _finish(self) -> None:
        while self._tasks:
            await asyncio.wait(self._tasks)
            await self._until_room()

    async def _handle_and_ack(self, handler: Handler, delivery: Delivery) -> None:
        async with self._places:  # a read may bring more than there are places: so many of each stream
            await self._handle(handler, delivery)
        await self._ack([delivery])

    async def _ack(self, deliveries: list[Delivery]) -> None:
        await self._group.ack(deliveries)
        self._held.difference_update(deliveries)

    async def _handle(self, handler: Handler, delivery: Delivery) -> None:
        reason = await self._outcome(handler, delivery)
        if reason is not None:
            self.bad_entries += 1
            await self._group.bury(delivery, reason)

    async def _outcome(self, handler: Handler, delivery: Delivery) -> str | None:
        """None when the entry was handled, else why it never will be."""
        if delivery.count > self.options.max_deliveries:
            return f"given up after {delivery.count} deliveries: no consumer lived to finish it"
        try:
            entry = Entry(delivery.stream, delivery.id, codec.decode(delivery.fields), delivery.count)
        except BadEntryError as error:
            return str(error)
        for attempt in range(1, self.options.attempts + 1):
            try:
                await handler(entry)
            except BadEntryError as error:
                return str(error)
            except SERVER_AWAY:
                raise
            except Exception as error:
                log.exception("handler_failed", stream=entry.stream, entry=entry.id, attempt=attempt)
                failure = f"{type(error).__name__}: {error}"
                await asyncio.sleep(_RETRY_SECONDS * attempt)
            else:
                return None
        return f"its handler failed {self.options.attempts} times: {failure}"

    async def _keep_leases(self) -> None:
        while True:
            await asyncio.sleep(self.options.lease_s / 3)
            if self._held:
                with suppress(RedisError):  # if the server is away, reading notices
                    await self._group.renew(list(self._held))

    async def _leave(self) -> None:
        await self._group.leave()
        self._held.clear()
        self._tasks.clear()

"""One lane of a consumer: the streams that one command can read."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError

from maf_core.streams.attempts import Attempts
from maf_core.streams.entry import SERVER_AWAY, ConsumerOptions
from maf_core.streams.group import Delivery, Group
from maf_core.streams.holdings import Holdings
from maf_core.streams.places import Places
from maf_core.tasks import cancelled

_RECLAIM_SECONDS = 5.0

Take = Callable[[str, int], Awaitable[Delivery | None]]
# Given the group and the consumer: something of the asker's, and what was taken for this consumer on the way.
Ask = Callable[[str, str], Awaitable[tuple[Any, Delivery | None]]]


@dataclass(frozen=True, slots=True)
class Work:
    """What the lanes of a consumer share.

    `bury` is told what will never be handled, and why; `before_ack` is awaited before entries are acknowledged.
    """

    options: ConsumerOptions
    attempts: Attempts
    places: Places
    stop: asyncio.Event
    bury: Callable[[Delivery, str], Awaitable[None]]
    before_ack: Callable[[], Awaitable[None]] | None = None


class Lane:
    """Reads, has each entry handled, and acknowledges it."""

    def __init__(self, group: Group, work: Work) -> None:
        self.streams = group.streams
        self._group = group
        self._work = work
        self._places = work.places
        self._held = Holdings(group, work.options.lease_s)
        self._done: list[Delivery] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None
        self._open = False
        self._expected = 0  # entries that the read under way may bring, each of which needs a place
        self._now = asyncio.get_running_loop().time

    async def run(self) -> None:
        """Work until told to stop; what was begun is finished first, the rest is handed back."""
        keeper = asyncio.create_task(self._held.keep())
        try:
            await self._consume()
            while self._tasks:
                await asyncio.wait(self._tasks)
            self._raise_failure()
        finally:
            self._open = False
            await cancelled([keeper, *self._tasks])
            await asyncio.shield(self._leave())

    async def take_in(self, ask: Ask) -> Any:
        """Have `ask` take an entry for this consumer, and handle it; gives what `ask` says, before it is handled.

        None, and nothing was asked, when there is no place to spare. Raises what `ask` raises, and so does the lane:
        what was taken then is found among its own when it begins anew.
        """
        spare = self._open and not self._work.stop.is_set() and self._places.free > self._expected
        if not spare or not await self._places.take_free():
            return None
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        task = self._start(self._taken_in(ask, answer))
        task.add_done_callback(partial(_settle, answer))
        return await answer

    async def _taken_in(self, ask: Ask, answer: asyncio.Future[Any]) -> None:
        asked_at = self._now()
        said, delivery = await ask(self._group.name, self._group.consumer)
        # What was taken comes before whatever the asker does next.
        asyncio.get_running_loop().call_soon(_give, answer, said)
        if delivery is not None:
            self._held.add([delivery], asked_at)
            await self._finish(delivery)

    async def _consume(self) -> None:
        for stream in self._group.streams:
            await self._retake(partial(self._group.own, stream))
        self._open = self._work.options.concurrency > 1
        look_at = self._now()
        read = self._in_order if self._work.options.concurrency == 1 else self._side_by_side
        while not self._work.stop.is_set():
            if self._now() >= look_at:
                look_at = self._now() + min(self._work.options.lease_s / 2, _RECLAIM_SECONDS)
                for stream in self._group.streams:
                    await self._retake(partial(self._abandoned, stream))
            await read()
            self._raise_failure()

    async def _abandoned(self, stream: str, after: str, most: int) -> Delivery | None:
        return await self._group.abandoned(stream, after, most, len(self._held))

    async def _retake(self, take: Take) -> None:
        """Begin what comes back, one by one: none is counted as delivered again before its turn has come.

        One that has a single delivery left is handled while nothing else is in work, so that it cannot be given up for
        what another did.
        """
        last = ""
        while not self._work.stop.is_set():
            await self._places.take()
            asked_at = self._now()
            delivery = await take(last, self._work.options.max_deliveries - 1)
            if delivery is not None and delivery.fields is not None:
                self._held.add([delivery], asked_at)
                self._begin(delivery)
            else:
                self._places.give()
            if delivery is None:
                return
            if delivery.fields is None and delivery.times:
                await self._alone(take, last)
            last = delivery.id

    async def _alone(self, take: Take, after: str) -> None:
        async with self._places.all():
            asked_at = self._now()
            delivery = await take(after, sys.maxsize)
            if delivery is not None and delivery.fields is not None:
                self._held.add([delivery], asked_at)
                await self._finish(delivery)

    async def _in_order(self) -> None:
        deliveries = await self._read(self._work.options.batch)
        async with self._places.one():
            for delivery in deliveries:
                if self._work.stop.is_set():
                    return
                if await self._held.ours(delivery):
                    await self._handle(delivery)
                    self._done.append(delivery)

    async def _side_by_side(self) -> None:
        async with self._places.one():  # no more than can be worked on, so that others can have the rest
            self._expected = max(1, self._places.free + 1 - self._work.options.spare)
        deliveries = await self._read(self._expected)
        for left, delivery in zip(range(len(deliveries), 0, -1), deliveries, strict=True):
            self._expected = left
            await self._places.take()
            if not self._work.stop.is_set() and await self._held.ours(delivery):
                self._begin(delivery)
            else:
                self._places.give()
        self._expected = 0
        await asyncio.sleep(0)  # what was begun comes before asking for more

    async def _read(self, count: int) -> list[Delivery]:
        """Read, and meanwhile acknowledge what was done."""
        acking = asyncio.create_task(self._acknowledge()) if self._done else None
        asked_at = self._now()
        try:
            deliveries = await self._group.new(count, self._work.options.block_ms)
        finally:
            if acking is not None:
                await acking
        self._held.add(deliveries, asked_at)
        return deliveries

    def _begin(self, delivery: Delivery) -> None:
        """Handle it in the place that was taken for it."""
        self._start(self._finish(delivery))

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._places.give()
        failure = None if task.cancelled() else task.exception()  # looked at, or asyncio logs it as never retrieved
        self._failure = self._failure or failure

    async def _finish(self, delivery: Delivery) -> None:
        await self._handle(delivery)
        await self._ack([delivery])

    async def _handle(self, delivery: Delivery) -> None:
        reason = await self._work.attempts.outcome(delivery)
        if reason is not None and await self._held.confirmed(delivery):
            await self._work.bury(delivery, reason)

    async def _acknowledge(self) -> None:
        await self._ack(self._done)
        self._done = []

    async def _ack(self, deliveries: list[Delivery]) -> None:
        if self._work.before_ack is not None:
            await self._work.before_ack()
        await self._held.ack(deliveries)

    async def _leave(self) -> None:
        with suppress(*SERVER_AWAY):  # what is not handed back now is taken over after the lease
            if self._done:
                await self._acknowledge()
            await self._held.leave()

    def _raise_failure(self) -> None:
        """A task that raises has met a server that is away."""
        if self._failure is not None:
            raise self._failure


def _give(answer: asyncio.Future[Any], said: Any) -> None:
    if not answer.done():
        answer.set_result(said)


def _settle(answer: asyncio.Future[Any], task: asyncio.Task[None]) -> None:
    """Whoever waits for an answer of a task that has ended without one gets its error."""
    if answer.done():
        return
    failure = None if task.cancelled() else task.exception()
    answer.set_exception(failure or RedisConnectionError("the consumer has ended meanwhile"))

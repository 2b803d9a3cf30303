"""What is asked of every reader of a stream: did it handle the good entries, and how many bad ones did it count?"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from maf_core import AppContext, SourceQuery, StreamView
from maf_core.streams import codec
from maf_core.streams.consume import GroupConsumer
from maf_core.streams.names import DEAD
from maf_core.streams.quiet import until_quiet
from maf_core.streams.raw import entries
from maf_core.testing import running

Payload = dict[str, Any]

# The good entries are numbered; what is made strange is like this one, so that it is none of them.
STRANGE = 99
NUMBERS = range(3)
ALL = (*NUMBERS, STRANGE)
NOW = datetime(2024, 3, 1, 21, tzinfo=UTC)
_PATIENCE_SECONDS = 20


class Reading(ABC):
    """One reader at work on one stream."""

    @abstractmethod
    def good(self, number: int) -> Payload:
        """A payload that this reader handles, a different one for each number."""

    @abstractmethod
    async def handled(self) -> set[int]:
        """The numbers of the good entries that were handled, once everything on the stream has been read."""

    @abstractmethod
    async def bad(self) -> int:
        """How many bad entries it has counted."""


@dataclass(frozen=True)
class Reader:
    """A row of the table. `covers`: the consumer groups or sources that it stands for.

    `settings`, `arenas`: what its application needs; `served` names services that it asks. `needs`:
    what not every server of the tests has.
    """

    name: str
    stream: str
    open: Callable[[AppContext], AbstractAsyncContextManager[Reading]]
    covers: tuple[str, ...] = ()
    arenas: Sequence[Any] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    served: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


def fetching(
    source: str, good: Callable[[int], Payload], target: Callable[[int], Payload] | None = None, **config: Any
) -> Callable[[AppContext], AbstractAsyncContextManager[Reading]]:
    """A source that keeps a view of its stream: it is asked about each good entry's target."""

    @asynccontextmanager
    async def opened(context: AppContext) -> AsyncIterator[Reading]:
        yield _Fetching(
            context.sources.get(source, config), good, target or (lambda number: {"ticker": symbol(number)})
        )

    return opened


class _Fetching(Reading):
    def __init__(self, source: Any, good: Callable[[int], Payload], target: Callable[[int], Payload]) -> None:
        self.source = source
        self._good = good
        self._target = target

    def good(self, number: int) -> Payload:
        return self._good(number)

    async def handled(self) -> set[int]:
        found = {number: await self.source.fetch(SourceQuery(self._target(number), NOW)) for number in NUMBERS}
        return {number for number, answer in found.items() if answer.data is not None}

    async def bad(self) -> int:
        view: StreamView[Any] = self.source.view
        return view.bad_entries


class Consuming(Reading):
    """A worker with consumers; every bad entry is a dead letter, and counted by the consumer that gave it up."""

    def __init__(self, context: AppContext, worker: Any, consumer: GroupConsumer, group: str) -> None:
        self.context = context
        self.redis = context.redis
        self.worker = worker
        self.consumer = consumer
        self.group = group

    @abstractmethod
    async def done(self) -> set[int]:
        """The numbers of the good entries that can be seen to have been handled by now."""

    async def handled(self) -> set[int]:
        await self.quiet()
        return await self.done()

    async def quiet(self) -> None:
        """Wait until every entry is acknowledged."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await until_quiet(self.redis)

    async def dead(self) -> list[str]:
        """The entries that this group gave up, one for each letter."""
        letters = [codec.decode(fields) for _, fields in entries(await self.redis.xrange(DEAD))]
        return [letter["entry_id"] for letter in letters if letter["group"] == self.group]

    async def bad(self) -> int:
        await self.quiet()
        dead = await self.dead()
        assert len(set(dead)) == len(dead) == self.consumer.bad_entries
        return len(dead)


@asynccontextmanager
async def at_work(reading: Consuming, *others: GroupConsumer) -> AsyncIterator[Reading]:
    """Run the reading's worker; its consumers look often whether they are to stop."""
    for consumer in (reading.consumer, *others):
        consumer.options = replace(consumer.options, block_ms=10)
    async with running(reading.worker):
        yield reading


def symbol(number: int) -> str:
    """The symbol of a good entry."""
    return f"G{number}"

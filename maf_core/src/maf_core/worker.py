"""The base of everything that runs for as long as the service runs."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import ClassVar

from maf_core.streams.consume import Entry, GroupConsumer


class Worker(ABC):
    """A worker is made from an `AppContext`, prepared, then run. One that raises is made anew after a while.

    `follows_arenas`: it keeps what it made of the arenas when it was made, so it is stopped and made anew when they
    change. Others ask `context.arenas` when they need one.
    """

    follows_arenas: ClassVar[bool] = False

    async def prepare(self) -> None:  # noqa: B027
        """Create what must exist before anything is published, such as consumer groups.

        Called for all workers before any of them runs; by default there is nothing to create.
        """

    @abstractmethod
    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; finish what was begun."""


class ConsumerWorker(Worker):
    """A worker around one consumer group. Subclasses set `consumer` and implement `handle`."""

    def __init__(self, consumer: GroupConsumer) -> None:
        self.consumer = consumer

    async def prepare(self) -> None:
        """Create the consumer group."""
        await self.consumer.create_groups()

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set."""
        await self.consumer.run(self.handle, stop)

    @abstractmethod
    async def handle(self, entry: Entry) -> None:
        """Handle one entry. Publish what follows from it before returning: returning acknowledges it."""

"""How many entries are worked on at once, over all streams of a consumer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Places:
    """So many entries may be in work; whoever begins one takes a place first, in turn."""

    def __init__(self, number: int) -> None:
        self.free = number
        self._number = number
        self._places = asyncio.Semaphore(number)
        self._all = asyncio.Lock()

    async def take(self) -> None:
        """Take a place; wait until there is one."""
        await self._places.acquire()
        self.free -= 1

    async def take_free(self) -> bool:
        """Take a place if one is free and nobody waits for it; does not wait."""
        if self._places.locked():
            return False
        await self.take()
        return True

    def give(self) -> None:
        """Give a place back."""
        self.free += 1
        self._places.release()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Hold one place for the length of a block."""
        await self.take()
        try:
            yield
        finally:
            self.give()

    @asynccontextmanager
    async def all(self) -> AsyncIterator[None]:
        """Hold all places: nothing else is in work then."""
        taken = 0
        try:
            async with self._all:  # two that each hold some would wait for each other
                while taken < self._number:
                    await self.take()
                    taken += 1
            yield
        finally:
            for _ in range(taken):
                self.give()

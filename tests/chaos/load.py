"""Puts numbered entries on the stream, each once, however often the server's answer is lost."""

from __future__ import annotations

import asyncio
import math

from redis.asyncio import Redis
from redis.exceptions import RedisError
from tests.chaos.config import ENTRIES
from tests.chaos.progress import Progress

from maf_core.streams.publish import Published, publish_once
from maf_core.tasks import cancelled

_AT_ONCE = 10
_AHEAD = 300  # how many entries may wait for the services
_AGAIN_SECONDS = 0.05
_HOLDS_SECONDS = 0.001
_SILENT = 10  # one entry in so many must not fire
_HANGS_UP = 25  # once in so many entries nobody waits for the answer


def fires(number: int) -> bool:
    """Whether the entry with this number fires."""
    return number % _SILENT != 0


class Load:
    """The generator. `accepted`: how many entries the server has acknowledged, `repeats`: not at the first try.

    `per_second`: how many come in a second; by default as many as the services can take.
    """

    def __init__(self, redis: Redis, entries: int, progress: Progress, per_second: float = math.inf) -> None:
        self.accepted = 0
        self.repeats = 0
        self.numbers = range(1, entries + 1)
        self._redis = redis
        self._progress = progress
        self._pause_s = _AT_ONCE / per_second

    async def run(self) -> None:
        """Publish everything, never far ahead of what comes out at the other end."""
        for done in range(0, len(self.numbers), _AT_ONCE):
            await self._progress.at_least((done - _AHEAD) * (_SILENT - 1) // _SILENT)
            page = self.numbers[done : done + _AT_ONCE]
            await asyncio.gather(asyncio.sleep(self._pause_s), *map(self._publish, page))

    async def _publish(self, number: int) -> None:
        if number % _HANGS_UP == 0:
            await self._hang_up(number)
        while True:
            try:
                done = await self._publish_once(number)
            except (RedisError, OSError):
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                self.accepted += 1
                self.repeats += not done.fresh
                return

    async def _publish_once(self, number: int) -> Published:
        payload = {"go": fires(number), "symbol": f"S{number}", "number": number}
        return await publish_once(self._redis, ENTRIES, str(number), payload)

    async def _hang_up(self, number: int) -> None:
        """Ask, and be gone before the answer is there: it may have been accepted, or not."""
        asking = asyncio.create_task(self._publish_once(number))
        await asyncio.sleep(_HOLDS_SECONDS)
        await cancelled([asking])

"""How far the work is: how many executions have come out."""

from __future__ import annotations

import asyncio
import time

from redis.asyncio import Redis
from redis.exceptions import RedisError

from maf_core.streams.names import EXECUTIONS

_LOOK_SECONDS = 0.05


class StuckError(Exception):
    """Nothing has come out for too long."""


class Progress:
    """Looks at the end of the pipe."""

    def __init__(self, redis: Redis, patience_s: float) -> None:
        self.executions = 0
        self._redis = redis
        self._patience_s = patience_s
        self._moved_at = time.monotonic()
        self._moved = asyncio.Condition()

    async def watch(self) -> None:
        """Look until cancelled; raises `StuckError` when nothing moves."""
        while True:
            try:
                found = await self._redis.xlen(EXECUTIONS)
            except (RedisError, OSError):
                found = self.executions
            if found != self.executions:
                self._moved_at = time.monotonic()
                async with self._moved:
                    self.executions = found
                    self._moved.notify_all()
            elif time.monotonic() - self._moved_at > self._patience_s:
                raise StuckError(f"nothing came out for {self._patience_s:.0f} s")
            await asyncio.sleep(_LOOK_SECONDS)

    async def at_least(self, executions: int) -> None:
        """Wait for so many executions."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.executions >= executions)

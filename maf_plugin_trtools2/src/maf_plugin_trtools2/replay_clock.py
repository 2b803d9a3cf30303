"""Hold the service's clock at the time of the replayed bars."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from redis.asyncio import Redis
from redis.exceptions import RedisError

from maf_core.clock import HOLD_SECONDS, ServiceClock
from maf_core.tasks import cancelled


class ReplayClock:
    """Holds the clock inside of an `async with` block and gives it back at its end, however that comes.

    A hold expires by itself, so that a replay that dies stops no clock; every `renew_s` seconds it is renewed.
    """

    def __init__(self, redis: Redis, renew_s: float = HOLD_SECONDS / 3) -> None:
        self._clock = ServiceClock(redis)
        self._renew_s = renew_s
        self._held: tuple[datetime, dict[str, Any]] | None = None
        # Two commands in flight at once might arrive in the wrong order and put the clock back.
        self._one_at_a_time = asyncio.Lock()

    async def move(self, now: datetime, **progress: Any) -> None:
        """Set the time, and what is shown beside it."""
        self._held = (now, progress)
        await self._hold()

    async def __aenter__(self) -> Self:
        self._keeper = asyncio.create_task(self._renew())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await cancelled([self._keeper])
        with suppress(RedisError, OSError):  # a server that is gone lets the hold expire
            await self._clock.release()

    async def _hold(self) -> None:
        async with self._one_at_a_time:
            if self._held is not None:
                now, progress = self._held
                await self._clock.hold(now, **progress)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._renew_s)
            with suppress(RedisError, OSError):  # whoever moves the clock next meets the same failure
                await self._hold()

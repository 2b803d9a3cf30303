"""A clock that a test sets and moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from redis.asyncio import Redis

from maf_core.clock import ServiceClock

# The close in New York of a trading day.
BEGINNING = datetime(2024, 1, 2, 21, tzinfo=UTC)


class HeldClock:
    """Holds the service's clock on the test server, as a replay does: whatever asks a `ServiceClock` gets this time.

    The hold expires after a minute, as a replay's does; each `hold` and `move` renews it.
    """

    def __init__(self, redis: Redis) -> None:
        self.now = BEGINNING
        self._clock = ServiceClock(redis)

    async def hold(self, moment: datetime) -> None:
        """Let it be this moment."""
        self.now = moment
        await self._clock.hold(moment)

    async def move(self, delta: timedelta | None = None, **parts: float) -> datetime:
        """Move on by so much, `move(hours=1)`, or back when it is negative; the moment it is then."""
        await self.hold(self.now + (delta or timedelta(**parts)))
        return self.now

    async def release(self) -> None:
        """Give the time back to the wall."""
        await self._clock.release()

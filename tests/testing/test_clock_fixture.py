"""The fixture `clock`: the service's time is the test's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from maf_core.clock import ServiceClock
from maf_core.streams.names import CLOCK


async def test_the_clock_stands_until_it_is_moved(clock, make_context):
    service = make_context().clock
    assert await service.now() == clock.now == datetime(2024, 1, 2, 21, tzinfo=UTC)
    assert await clock.move(hours=1) == await service.now() == datetime(2024, 1, 2, 22, tzinfo=UTC)
    await clock.move(timedelta(days=-1))
    assert await service.now() == datetime(2024, 1, 1, 22, tzinfo=UTC)
    await clock.hold(datetime(2030, 5, 6, tzinfo=UTC))
    assert await service.now() == datetime(2030, 5, 6, tzinfo=UTC)


async def test_whoever_moves_the_clock_holds_it_for_another_minute(clock, redis):
    await redis.expire(CLOCK, 1)
    await clock.move(seconds=1)
    assert await redis.ttl(CLOCK) > 50


async def test_it_can_be_given_back_to_the_wall(clock, redis):
    before = datetime.now(UTC)
    await clock.release()
    assert await ServiceClock(redis).now() >= before

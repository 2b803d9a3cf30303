"""Times in any usual form, and the clock of a service that may be replaying."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maf_core.clock import HOLD_SECONDS, ServiceClock, parse_time
from maf_core.errors import BadEntryError
from maf_core.streams.names import CLOCK

MOMENT = datetime(2024, 1, 2, 21, tzinfo=UTC)
SINCE, UNTIL = datetime.fromisoformat("1980-01-01"), datetime.fromisoformat("2100-01-01")


@pytest.mark.parametrize(
    "value",
    [
        "2024-01-02T21:00:00Z",
        "2024-01-02T16:00:00-05:00",
        " 2024-01-02 21:00:00 ",
        "2024-01-02T21:00:00.000000",
        MOMENT,
        MOMENT.astimezone(timezone(timedelta(hours=9))),
        datetime(2024, 1, 2, 21),  # noqa: DTZ001 - text without an offset comes so
        MOMENT.timestamp(),
        int(MOMENT.timestamp()),
        int(MOMENT.timestamp() * 1000),
        str(int(MOMENT.timestamp())),
        str(int(MOMENT.timestamp() * 1000)),
    ],
)
def test_a_moment_in_any_usual_form_is_in_utc(value):
    assert parse_time(value) == MOMENT
    assert parse_time(value).utcoffset() == timedelta(0)


def test_a_date_is_its_midnight():
    assert parse_time("2024-01-02") == parse_time("20240102") == datetime(2024, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    ["", "now", "2024-13-01", None, [], {}, float("nan"), float("inf"), 1e300, b"x", date(2024, 1, 2), "²", True,
     "0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00"],
)  # fmt: skip
def test_anything_else_is_no_timestamp(value):
    with pytest.raises(BadEntryError, match="is no timestamp; use ISO-8601 with an offset"):
        parse_time(value)


@given(st.text(max_size=12) | st.floats() | st.integers() | st.datetimes(timezones=st.none() | st.timezones()))
def test_whatever_comes_is_a_moment_or_our_own_error(value):
    with suppress(BadEntryError):
        assert parse_time(value).utcoffset() == timedelta(0)


@settings(max_examples=30)
@given(st.datetimes(SINCE, UNTIL, timezones=st.timezones()))
def test_what_is_written_is_what_is_read(moment):
    assert parse_time(moment.isoformat()) == moment.astimezone(UTC)


async def test_the_time_is_the_walls_unless_a_replay_holds_it(redis):
    clock = ServiceClock(redis)
    before = datetime.now(UTC)
    assert before <= await clock.now() <= datetime.now(UTC)
    await clock.hold(MOMENT, bars=3)
    assert await ServiceClock(redis).now() == MOMENT
    await clock.hold(MOMENT - timedelta(days=400))
    assert await clock.now() == MOMENT - timedelta(days=400)
    await clock.release()
    assert await clock.now() >= before


async def test_a_replay_that_dies_gives_the_time_back_by_itself(redis):
    await ServiceClock(redis).hold(MOMENT)
    assert 0 < await redis.ttl(CLOCK) <= HOLD_SECONDS

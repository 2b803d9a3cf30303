"""Is the price plausible, is the exchange open?"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from maf_core import Bar, publish
from maf_core.outbox.market import is_open
from maf_core.risk_settings import MarketHours
from maf_core.settings import load_settings

BARS = "trtools2:bars:1d"
CLOSE = datetime(2024, 3, 1, 21, tzinfo=UTC)
NEW_YORK = {"open": "09:30", "close": "16:00", "timezone": "America/New_York"}


def bar(close: float, days: int = 0, symbol: str = "AAPL") -> dict:
    as_of = CLOSE + timedelta(days=days)
    opened = as_of - timedelta(hours=16)
    return Bar(symbol, "1d", opened, close, close, close, close, 1.0, as_of).payload()


@pytest.mark.parametrize(
    ("stated", "result", "words"),
    [
        (None, "skipped", "the action states no meta.reference_price"),
        (100.0, "passed", "100 is 0.0% from the last price 100"),
        (120, "passed", "20.0%"),
        (80.0, "passed", "20.0%"),
        (121.0, "failed", "121 is 21.0% from the last price 100; the limit is 20.0%"),
        (79.0, "failed", "21.0%"),
        (1e300, "failed", "from the last price 100"),
        (0.0, "failed", "meta.reference_price 0.0 is no price"),
        (-5.0, "failed", "no price"),
        ("100", "failed", "no price"),
        (True, "failed", "no price"),
    ],
)
async def test_a_price_is_compared_with_the_last_one_known(redis, desk, action, answered, stated, result, words):
    await publish(redis, BARS, bar(50.0, days=-1))
    await publish(redis, BARS, bar(100.0))
    await publish(redis, BARS, bar(500.0, days=1))
    await publish(redis, BARS, bar(7.0, symbol="IBM"))
    meta = {"as_of": CLOSE.isoformat()} | ({} if stated is None else {"reference_price": stated})
    found = answered(await desk().judged(action(meta=meta)), "price_sanity")
    assert (found[0], words in found[1]) == (result, True), found


async def test_without_a_price_to_compare_with_it_is_skipped_by_name(desk, action, answered):
    execution = await desk().judged(action(meta={"reference_price": 100.0}))
    assert execution.status == "approved"
    assert answered(execution, "price_sanity") == ("skipped", "no price of AAPL is known then, on risk.price_streams")


async def test_the_newest_of_several_streams_counts_and_it_can_be_off(redis, desk, action, answered):
    await publish(redis, "mine:1d", bar(100.0, days=-1))
    await publish(redis, "mine:1h", bar(200.0))
    await publish(redis, "mine:1h", {"no": "bar"})
    one = action(meta={"reference_price": 199.0})
    both = desk(price_streams=("mine:1d", "mine:1h"))
    assert answered(await both.judged(one), "price_sanity")[1] == "199 is 0.5% from the last price 200"
    off = await desk(max_price_gap=None).judged(action(target={"ticker": "IBM"}, meta={"reference_price": -1}))
    assert answered(off, "price_sanity") == ("skipped", "risk.max_price_gap is not set")


async def test_an_approval_is_compared_with_the_price_at_that_time(redis, desk, clock, action, answered):
    await clock.hold(CLOSE)
    await publish(redis, BARS, bar(100.0))
    office = desk()
    one = action(mode="semi", meta={"reference_price": 100.0, "as_of": CLOSE.isoformat()})
    assert (await office.judged(one)).status == "pending_approval"
    await publish(redis, BARS, bar(130.0, days=0.02))
    await clock.move(minutes=40)
    await office.decide(one.arena_id, "approve")
    final = (await office.executions())[-1]
    assert final.status == "rejected"
    assert answered(final, "price_sanity")[0] == "failed"


def hours(**more) -> MarketHours:
    return MarketHours.model_validate(NEW_YORK | more)


@pytest.mark.parametrize(
    ("moment", "opened"),
    [
        ("2024-07-05T13:29:59Z", False),
        ("2024-07-05T13:30:00Z", True),
        ("2024-07-05T19:59:59Z", True),
        ("2024-07-05T20:00:00Z", False),
        ("2024-07-06T15:00:00Z", False),  # a Saturday
        ("2024-07-04T15:00:00Z", False),  # a holiday
        ("2024-07-03T16:59:59Z", True),
        ("2024-07-03T17:00:00Z", False),  # an early close
        ("2024-12-05T14:29:59Z", False),  # in winter the clocks are an hour behind
        ("2024-12-05T14:30:00Z", True),
    ],
)
async def test_the_exchange_is_open_by_its_own_clock(desk, action, answered, moment, opened):
    nasdaq = hours(holidays=["2024-07-04"], early_closes={"2024-07-03": "13:00"})
    office = desk(market_hours={"NASDAQ": nasdaq})
    execution = await office.judged(action(target={"exchange": "NASDAQ"}, meta={"as_of": moment}))
    result, reason = answered(execution, "market_hours")
    assert result == ("passed" if opened else "failed")
    assert "America/New_York" in reason


@pytest.mark.parametrize(
    ("exchange", "known", "result", "words"),
    [
        ("LSE", {"LSE": NEW_YORK}, "failed", "the market is closed: Fri 2024-03-01 16:00 America/New_York"),
        ("LSE", {"default": NEW_YORK}, "failed", "the market is closed"),
        ("", {"default": NEW_YORK}, "failed", "the market is closed"),
        ("LSE", {"NYSE": NEW_YORK}, "skipped", "risk.market_hours has neither 'LSE' nor 'default'"),
    ],
)
async def test_which_hours_count(desk, action, answered, exchange, known, result, words):
    office = desk(market_hours=known)
    execution = await office.judged(action(target={"exchange": exchange}))
    found = answered(execution, "market_hours")
    assert (found[0], words in found[1]) == (result, True), found
    hold = await office.judged(action(target={"exchange": exchange}, verdict="HOLD"))
    assert answered(hold, "market_hours")[0] == "passed"


NIGHT = MarketHours(open=time(18), close=time(17), timezone="America/Chicago", days=("sun", "mon", "tue", "wed", "thu"))


@pytest.mark.parametrize(
    ("local", "opened"),
    [
        ("2024-03-03T17:59", False),  # Sunday
        ("2024-03-03T18:00", True),
        ("2024-03-04T16:59", True),
        ("2024-03-04T17:30", False),
        ("2024-03-08T16:59", True),  # Friday, of Thursday's session
        ("2024-03-08T18:00", False),
    ],
)
def test_a_session_may_end_on_the_day_after(local, opened):
    assert is_open(NIGHT, datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("America/Chicago"))) is opened


@given(
    day=st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    at=st.times(),
    begin=st.times(),
    end=st.times(),
    days=st.sets(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), min_size=1),
)
def test_it_is_open_exactly_within_a_session_of_a_trading_day(day, at, begin, end, days):
    """Against the definition: some trading day's session, from its opening to its close, holds the moment."""
    found = MarketHours(open=begin, close=end, timezone="UTC", days=tuple(days))
    moment = datetime.combine(day, at, UTC)
    sessions = []
    for back in range(3):
        first = day - timedelta(days=back)
        if first.strftime("%a").lower() in days:
            last = first + timedelta(days=1) if end <= begin else first
            sessions.append((datetime.combine(first, begin, UTC), datetime.combine(last, end, UTC)))
    assert is_open(found, moment) is any(first <= moment < last for first, last in sessions)


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"timezone": "Mars"}, "write a time zone"), ({"days": []}, "at least 1"), ({"opens": "9"}, "extra")],
)
def test_wrong_hours_are_refused(changes, words):
    with pytest.raises(ValidationError, match=words):
        hours(**changes)


def test_hours_are_written_in_the_settings_file(tmp_path):
    (tmp_path / "maf.yaml").write_text(
        """
risk:
  market_hours:
    default:
      open: "09:30"
      close: "16:00"
      timezone: America/New_York
      holidays: [2024-12-25]
      early_closes: {2024-12-24: "13:00"}
"""
    )
    found = load_settings(tmp_path).risk.market_hours["default"]
    assert (found.open, found.holidays, found.early_closes) == (
        time(9, 30), {date(2024, 12, 25)}, {date(2024, 12, 24): time(13)},
    )  # fmt: skip

"""Reading a bar: its usual names, its faults, and when it is known."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maf_core import Bar, parse_bar
from maf_core.bars import Session, known_at, seconds_of
from maf_core.clock import parse_time
from maf_core.errors import BadEntryError, UsageError

GOOD = {"symbol": "AAPL", "tf": "1d", "t": "2024-01-02T05:00:00Z", "o": 10, "h": 12, "l": 9, "c": 11, "v": 1000}
SINCE, UNTIL = datetime.fromisoformat("1980-01-01"), datetime.fromisoformat("2100-01-01")


def bar(**changes) -> dict:
    return {name: value for name, value in (GOOD | changes).items() if value is not ...}


def test_a_bar():
    assert parse_bar(GOOD) == Bar(
        "AAPL", "1d", datetime(2024, 1, 2, 5, tzinfo=UTC), 10, 12, 9, 11, 1000, datetime(2024, 1, 2, 21, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    "names",
    [
        {"symbol": "S", "t": "t", "o": "o"},
        {"symbol": "ticker", "t": "timestamp", "o": "open", "h": "high", "l": "low", "c": "close", "v": "volume"},
        {"symbol": "symbol", "t": "ts"},
        {"t": "date"},
        {"t": "time"},
    ],
)
def test_the_usual_names_are_understood(names):
    renamed = {names.get(name, name): value for name, value in GOOD.items()}
    assert parse_bar(renamed) == parse_bar(GOOD)


def test_numbers_may_come_as_text_as_flat_fields_do():
    assert parse_bar({name: str(value) for name, value in GOOD.items()}) == parse_bar(GOOD)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"symbol": ...}, "the bar has no symbol"),
        ({"symbol": " "}, "empty symbol"),
        ({"t": ...}, "the bar has no t"),
        ({"t": "yesterday"}, "'yesterday' is no timestamp"),
        ({"o": ...}, "the bar has no open"),
        ({"h": None}, "the bar has no high"),
        ({"v": ...}, "the bar has no volume"),
        ({"c": "eleven"}, "close 'eleven' is no number"),
        ({"l": [9]}, "low [9] is no number"),
        ({"v": 10**400}, "volume 1000"),
        ({"v": 1.1e18}, "volume 1.1e+18 is more than 1e+18"),
        ({"h": 1e300}, "high 1e+300 is more than 1e+18"),
        ({"l": 1e-300}, "low 1e-300 is less than 1e-12"),
        ({"c": "nan"}, "close is nan, not a finite number"),
        ({"h": float("inf")}, "high is inf"),
        ({"o": 0}, "open 0 is not a positive price"),
        ({"l": -9}, "low -9 is not a positive price"),
        ({"v": -1}, "volume -1 is negative"),
        ({"h": 8}, "high 8 is below low 9"),
        ({"c": 13}, "open 10 or close 13 lies outside of low 9 to high 12"),
        ({"o": 8.9}, "open 8.9 or close 11 lies outside"),
        ({"tf": ...}, "'' is no timeframe"),
        ({"tf": "fortnight"}, "'fortnight' is no timeframe"),
        ({"tf": "0d"}, "'0d' is no timeframe"),
        ({"as_of": "later"}, "'later' is no timestamp"),
        ({"tf": "fortnight", "as_of": "2024-01-02T21:00:00Z"}, "'fortnight' is no timeframe"),
    ],
)
def test_each_fault_is_named(changes, words):
    with pytest.raises(BadEntryError) as caught:
        parse_bar(bar(**changes))
    assert words in str(caught.value)


def test_a_rounding_error_is_no_fault():
    assert parse_bar(bar(h=10.0, c=10.000000001, l=9, o=10)).c == pytest.approx(10)


def test_the_readers_timeframe_counts_when_the_bar_names_none():
    assert parse_bar(bar(tf=...), "1h").tf == "1h"
    assert parse_bar(bar(tf=...), "1h").as_of == datetime(2024, 1, 2, 6, tzinfo=UTC)
    assert parse_bar(GOOD, "1h").tf == "1d"


def test_a_stated_moment_wins():
    assert parse_bar(bar(as_of="2024-01-02T22:00:00Z")).as_of == datetime(2024, 1, 2, 22, tzinfo=UTC)


@given(
    opened=st.datetimes(SINCE, UNTIL, timezones=st.just(UTC)),
    tf=st.sampled_from(["1min", "5min", "1h", "1d", "1w"]),
    prices=st.lists(st.floats(0.01, 1e6), min_size=4, max_size=4).map(sorted),
)
def test_a_bar_survives_the_wire(opened, tf, prices):
    low, o, c, high = prices
    sent = parse_bar({"symbol": "X", "tf": tf, "t": opened, "o": o, "h": high, "l": low, "c": c, "v": 0})
    assert parse_bar(sent.payload()) == sent
    assert sent.as_of >= opened or tf in ("1d", "1w")


@pytest.mark.parametrize(
    ("opened", "tf", "known"),
    [
        # New York: UTC-5 in winter, UTC-4 in summer; the clocks went forward on 10 March and back on 3 November 2024
        ("2024-01-02T05:00:00Z", "1d", "2024-01-02T21:00:00Z"),
        ("2024-07-02T04:00:00Z", "1d", "2024-07-02T20:00:00Z"),
        ("2024-03-08T14:30:00Z", "1d", "2024-03-08T21:00:00Z"),
        ("2024-03-11T13:30:00Z", "1d", "2024-03-11T20:00:00Z"),
        ("2024-11-01T13:30:00Z", "1d", "2024-11-01T20:00:00Z"),
        ("2024-11-04T14:30:00Z", "1d", "2024-11-04T21:00:00Z"),
        ("2024-01-02T14:30:00Z", "5min", "2024-01-02T14:35:00Z"),
        ("2024-03-10T06:30:00Z", "1h", "2024-03-10T07:30:00Z"),
        ("2024-01-02T14:30:00Z", "4h", "2024-01-02T18:30:00Z"),
    ],
)
def test_when_a_bar_is_known(opened, tf, known):
    assert known_at(parse_time(opened), tf) == parse_time(known)


@pytest.mark.parametrize("stamp", ["2024-01-02", "2024-01-02T00:00:00Z", "2024-01-02T00:00:00-05:00"])
def test_a_daily_bar_that_carries_only_its_date_is_known_at_the_close_of_that_date(stamp):
    """Midnight UTC is the evening before in New York: taken as a moment, it would be known a day too early."""
    assert parse_bar(bar(t=stamp)).as_of == datetime(2024, 1, 2, 21, tzinfo=UTC)


def test_another_market_closes_at_another_time():
    tokyo = Session(time(15), "Asia/Tokyo")
    assert known_at(parse_time("2024-01-02T00:00:00Z"), "1d", tokyo) == parse_time("2024-01-02T06:00:00Z")


@pytest.mark.parametrize(
    ("text", "seconds"), [("1min", 60), ("5m", 300), ("1h", 3600), ("1D", 86_400), ("1w", 604_800)]
)
def test_the_length_of_a_timeframe(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "1", "d", "1y", "-1d", "1.5h", "1d ", "1d\n", "0min"])
def test_what_is_no_timeframe(text):
    with pytest.raises(UsageError, match="is no timeframe; write 1min"):
        seconds_of(text)


@given(
    st.dictionaries(st.sampled_from([*GOOD, "as_of"]), st.none() | st.floats() | st.text(max_size=8) | st.integers())
)
def test_whatever_comes_is_a_bar_or_our_own_error(changes):
    try:
        found = parse_bar(GOOD | changes)
    except BadEntryError:
        return
    assert 0 < found.l <= found.h
    assert found.as_of.tzinfo is not None

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maf_core import SourceQuery, StreamFreshness, parse_bar, publish
from maf_core.errors import ConfigError, SourceError
from maf_plugin_trtools2.bars_source import BarsSource
from maf_plugin_trtools2.config import BarsConfig

FIRST_DAY = date(2020, 1, 2)


def bar(day: int, symbol: str = "A", close: float = 10.0) -> dict:
    opened = f"{FIRST_DAY + timedelta(days=day)}T05:00:00+00:00"
    return {"symbol": symbol, "t": opened, "o": close, "h": close + 1, "l": close - 1, "c": close, "v": 100.0}


def at_close(day: int) -> datetime:
    return parse_bar(bar(day), "1d").as_of


def query(as_of: datetime, symbol: str = "A") -> SourceQuery:
    return SourceQuery({"ticker": symbol}, as_of)


def expected(stream: list[dict], symbol: str, as_of: datetime, lookback: int) -> list[dict]:
    """The plain definition: filter, keep the first of each time, sort, take the last."""
    first: dict[str, dict] = {}
    for entry in stream:
        if entry["symbol"] == symbol and parse_bar(entry, "1d").as_of <= as_of:
            first.setdefault(entry["t"], {name: entry[name] for name in ("t", "o", "h", "l", "c", "v")})
    return [first[t] for t in sorted(first)][-lookback:]


entries = st.builds(bar, st.integers(0, 40), st.sampled_from(["A", "B"]), st.floats(5, 500))


@given(
    stream=st.lists(entries, max_size=30),
    asks=st.lists(st.integers(-1, 41), min_size=1, max_size=4),
    split=st.integers(0, 30),
    lookback=st.integers(1, 12),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_never_answers_with_what_is_not_known_yet(redis, stream, asks, split, lookback):
    name = f"bars:{uuid4()}"
    source = BarsSource(redis, BarsConfig(stream=name, lookback=lookback))
    for part in (slice(None, split), slice(split, None)):  # the second part comes while the source is in use
        for entry in stream[part]:
            await publish(redis, name, entry)
        seen = stream[:split] if part.start is None else stream
        for day in asks:
            for as_of in (at_close(day), at_close(day) - timedelta(microseconds=1)):
                answer = await source.fetch(query(as_of))
                want = expected(seen, "A", as_of, lookback)
                assert (answer.data or []) == want
                assert answer.as_of is None or answer.as_of <= as_of
                assert ("no_trtools2_bars" in answer.gaps) == (not want)


async def test_reads_the_timeframes_own_stream_or_the_bound_one(redis):
    await publish(redis, "trtools2:bars:1d", bar(0, close=10))
    await publish(redis, "mine", bar(0, close=20))
    own, bound = BarsSource(redis, BarsConfig()), BarsSource(redis, BarsConfig(stream="mine"))
    assert (await own.fetch(query(at_close(1)))).data[0]["c"] == 10
    assert (await bound.fetch(query(at_close(1)))).data[0]["c"] == 20
    assert BarsSource.freshness_spec(own.config) == StreamFreshness("trtools2:bars:1d")
    assert BarsSource.freshness_spec(bound.config) == StreamFreshness("mine")


@pytest.mark.parametrize(
    "fields",
    [
        {"S": "A", "timestamp": "2020-01-02T05:00:00Z", "open": 10, "high": 11, "low": 9, "close": 10, "volume": 100},
        {"ticker": "a", "ts": "1577941200", "o": "10", "h": "11", "l": "9", "c": "10", "v": "100"},
    ],
)
@pytest.mark.parametrize("flat", [False, True])
async def test_takes_the_usual_names_as_json_or_flat_fields(redis, fields, flat):
    if flat:
        await redis.xadd("trtools2:bars:1d", fields)
    else:
        await publish(redis, "trtools2:bars:1d", fields)
    answer = await BarsSource(redis, BarsConfig()).fetch(query(at_close(0), "a"))
    assert answer.data == [{"t": "2020-01-02T05:00:00+00:00", "o": 10, "h": 11, "l": 9, "c": 10, "v": 100}]
    assert answer.as_of == datetime(2020, 1, 2, 21, tzinfo=UTC)


async def test_bad_entries_are_skipped_and_counted(redis):
    await publish(redis, "trtools2:bars:1d", bar(0))
    for data in (b"{", b"\xff", b"[]", b'{"symbol": "A"}'):
        await redis.xadd("trtools2:bars:1d", {"data": data})
    await publish(redis, "trtools2:bars:1d", bar(1) | {"h": 1})
    await publish(redis, "trtools2:bars:1d", bar(2))
    source = BarsSource(redis, BarsConfig())
    assert len((await source.fetch(query(at_close(5)))).data) == 2
    assert source.view.bad_entries == 5


async def test_old_bars_are_marked_stale(redis):
    await publish(redis, "trtools2:bars:1d", bar(0))
    source = BarsSource(redis, BarsConfig(max_age_days=2))
    assert (await source.fetch(query(at_close(2)))).gaps == ()
    late = await source.fetch(query(at_close(2) + timedelta(seconds=1)))
    assert late.gaps == ("stale_trtools2_bars",)
    assert late.data


async def test_what_an_agent_does_to_an_answer_does_not_reach_the_next(redis):
    await publish(redis, "trtools2:bars:1d", bar(0))
    source = BarsSource(redis, BarsConfig())
    (await source.fetch(query(at_close(0)))).data[0]["c"] = -1
    assert (await source.fetch(query(at_close(0)))).data[0]["c"] == 10


async def test_a_target_without_a_symbol_is_an_error(redis):
    with pytest.raises(SourceError, match="names no symbol"):
        await BarsSource(redis, BarsConfig()).fetch(SourceQuery({"question_id": "q"}, at_close(0)))


def test_the_catalog_makes_it_and_refuses_a_wrong_configuration(make_context):
    sources = make_context().sources
    assert isinstance(sources.get("trtools2_bars", {"timeframe": "1H"}), BarsSource)
    assert sources.get("trtools2_bars", {"timeframe": "1H"}).config.stream_name == "trtools2:bars:1h"
    with pytest.raises(ConfigError, match="no timeframe"):
        sources.get("trtools2_bars", {"timeframe": "daily"})
    with pytest.raises(ConfigError, match="lookbak"):
        sources.get("trtools2_bars", {"lookbak": 3})

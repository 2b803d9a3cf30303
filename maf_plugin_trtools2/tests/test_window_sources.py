from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maf_core import SourceQuery, StreamFreshness, publish
from maf_plugin_trtools2.config import IndicatorsConfig, NewsConfig, StrategyEventsConfig
from maf_plugin_trtools2.indicators import IndicatorsSource
from maf_plugin_trtools2.news import NewsSource
from maf_plugin_trtools2.strategy import StrategyEventsSource

NOON = datetime(2020, 1, 2, 12, tzinfo=UTC)
EVENTS = "trtools2:strategy_events"


def query(as_of: datetime = NOON, symbol: str = "A") -> SourceQuery:
    return SourceQuery({"ticker": symbol}, as_of)


def news(hour: int = 0, number: int = 0, symbols: tuple[str, ...] = ("A",)) -> dict:
    created = (NOON + timedelta(hours=hour)).isoformat()
    return {"id": number, "headline": f"n{number} at {hour}", "symbols": list(symbols), "created_at": created}


def event(**fields: object) -> dict:
    return {"symbol": "A", "strategy": "momentum", "signal": "BUY", "confidence": 0.7, "ts": NOON.isoformat()} | fields


items = st.builds(
    news,
    st.integers(-30, 30),
    st.integers(0, 8),
    st.sampled_from([(), ("A",), ("B",), ("A", "B"), ("A", "A")]),
)


@given(
    stream=st.lists(items, max_size=25), hour=st.integers(-31, 31), hours=st.integers(1, 40), limit=st.integers(1, 6)
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_answers_what_filtering_and_sorting_would(redis, stream, hour, hours, limit):
    name = f"news:{uuid4()}"
    for item in stream:
        await publish(redis, name, item)
    as_of = NOON + timedelta(hours=hour)
    source = NewsSource(redis, NewsConfig(stream=name, window_hours=hours, limit=limit))
    answer = await source.fetch(query(as_of))
    known = [
        item
        for item in stream
        if "A" in item["symbols"]
        and timedelta() <= as_of - datetime.fromisoformat(item["created_at"]) < timedelta(hours=hours)
    ]
    first: dict[str, dict] = {}
    for item in sorted(known, key=lambda item: item["created_at"]):
        first.setdefault(str(item["id"]), item)
    want = [item["headline"] for item in first.values()][-limit:]
    assert [row["headline"] for row in answer.data or []] == want
    assert answer.gaps == (() if want else ("no_trtools2_news",))


async def test_news_of_several_symbols_is_known_to_each_from_its_very_moment(redis):
    await publish(redis, "trtools2:news", news(0, 1, ("A", "B")))
    source = NewsSource(redis, NewsConfig())
    for symbol in ("A", "B"):
        answer = await source.fetch(query(NOON, symbol))
        assert [row["symbols"] for row in answer.data] == [["A", "B"]]
        assert answer.as_of == NOON
        assert (await source.fetch(query(NOON - timedelta(microseconds=1), symbol))).data is None
    assert (await source.fetch(query(NOON, "C"))).gaps == ("no_trtools2_news",)


@pytest.mark.parametrize(
    "item",
    [
        {"title": "Hello", "tickers": ["A"], "published_at": NOON.timestamp(), "source": "x", "url": "u"},
        {"headline": "Hello", "symbols": "a, B", "timestamp": "2020-01-02T12:00:00Z"},
        {"headline": "Hello", "symbols": '["A"]', "created_at": "2020-01-02T12:00:00Z", "summary": "long"},
    ],
)
async def test_news_under_its_usual_names(redis, item):
    await publish(redis, "trtools2:news", item)
    row = (await NewsSource(redis, NewsConfig()).fetch(query())).data[0]
    assert row["headline"] == "Hello"
    assert row["created_at"] == "2020-01-02T12:00:00+00:00"
    assert "A" in row["symbols"]
    assert set(row) == {"id", "headline", "summary", "symbols", "created_at", "source", "url"}


async def test_a_stated_later_as_of_counts(redis):
    late = NOON + timedelta(hours=1)
    await publish(redis, "trtools2:news", news() | {"as_of": late.isoformat()})
    source = NewsSource(redis, NewsConfig())
    assert (await source.fetch(query(late - timedelta(seconds=1)))).data is None
    assert (await source.fetch(query(late))).as_of == late


@pytest.mark.parametrize(
    "bad",
    [
        {"headline": "no time", "symbols": ["A"]},
        {"headline": "no symbols", "created_at": NOON.isoformat()},
        {"symbols": ["A"], "created_at": NOON.isoformat()},
        news() | {"created_at": "yesterday"},
        news() | {"symbols": [1, None]},
        news() | {"symbols": "[broken"},
        news() | {"headline": {"deep": 1}},
    ],
)
async def test_bad_news_is_skipped_and_counted(redis, bad):
    await publish(redis, "trtools2:news", bad)
    await publish(redis, "trtools2:news", news(0, 7))
    source = NewsSource(redis, NewsConfig())
    assert [row["id"] for row in (await source.fetch(query())).data] == ["7"]
    assert source.view.bad_entries == 1


async def test_strategy_events_keep_what_strategies_said_at_the_same_moment(redis):
    await publish(redis, EVENTS, event())
    await publish(redis, EVENTS, event())  # delivered twice
    await publish(
        redis, EVENTS, {"ticker": "A", "name": "meanrev", "side": "sell", "strength": "0.5", "t": NOON.timestamp()}
    )
    await publish(redis, EVENTS, {"S": "A", "action": "hold", "timestamp": NOON.isoformat()})
    answer = await StrategyEventsSource(redis, StrategyEventsConfig()).fetch(query())
    found = [(row["strategy"], row["signal"], row["confidence"]) for row in answer.data]
    assert found == [("momentum", "BUY", 0.7), ("meanrev", "SELL", 0.5), ("", "HOLD", None)]
    assert answer.data[0] == event()
    assert answer.size_bytes > 0


@pytest.mark.parametrize(
    "wrong", [{"confidence": 85}, {"confidence": "high"}, {"signal": ""}, {"symbol": None}, {"ts": None}]
)
async def test_bad_strategy_events_are_skipped_and_counted(redis, wrong):
    await publish(redis, EVENTS, event(**wrong))
    source = StrategyEventsSource(redis, StrategyEventsConfig())
    assert (await source.fetch(query())).gaps == ("no_trtools2_strategy_events",)
    assert source.view.bad_entries == 1


async def test_every_stream_can_be_overridden(redis):
    await publish(redis, "my:events", event())
    config = StrategyEventsConfig(stream="my:events")
    assert (await StrategyEventsSource(redis, config).fetch(query())).data
    assert StrategyEventsSource.freshness_spec(config) == StreamFreshness("my:events")
    assert NewsSource.freshness_spec(NewsConfig()) == StreamFreshness("trtools2:news")


@pytest.mark.parametrize(
    "entry",
    [
        {"symbol": "A", "ts": NOON.isoformat(), "indicators": {"rsi": 55.0, "sma": None}},
        {"ticker": "a", "t": NOON.timestamp(), "values": {"rsi": "55", "sma": ""}},
        {"S": "A", "timestamp": NOON.isoformat(), "tf": "1d", "rsi": "55.0", "sma": None},
    ],
)
async def test_indicators_under_their_usual_names(redis, entry):
    await publish(redis, "trtools2:indicators:1d", entry)
    answer = await IndicatorsSource(redis, IndicatorsConfig()).fetch(query())
    assert answer.data == [{"symbol": "A", "ts": NOON.isoformat(), "values": {"rsi": 55.0, "sma": None}}]


@pytest.mark.parametrize("wrong", [{"indicators": [1]}, {"indicators": {"rsi": "high"}}, {"indicators": {}}, {}])
async def test_bad_indicators_are_skipped_and_counted(redis, wrong):
    await publish(redis, "trtools2:indicators:1h", {"symbol": "A", "ts": NOON.isoformat(), **wrong})
    source = IndicatorsSource(redis, IndicatorsConfig(timeframe="1h"))
    assert (await source.fetch(query())).gaps == ("no_trtools2_indicators",)
    assert source.view.bad_entries == 1

"""The source `kronos_forecast`: never later than it is asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maf_core import SourceQuery
from maf_core.sources.freshness import probe
from maf_core.testing.conformance.server import commands_of
from maf_plugin_kronos.store import ForecastStore

START = datetime(2025, 1, 6, 21, tzinfo=UTC)


def at(day: float) -> datetime:
    return START + timedelta(days=day)


@pytest.fixture
def source(app):
    return app().sources.get("kronos_forecast")


@pytest.fixture
def put(redis):
    """Cache a forecast of a day and emit it if it is news, as the refresher does."""
    store = ForecastStore(redis, 60, 0.05)

    async def put(day: int, prob_up: float, symbol: str = "AAPL") -> None:
        forecast = {"symbol": symbol, "tf": "1d", "as_of": at(day).isoformat(), "prob_up": prob_up}
        await store.save([forecast])
        await store.emit([forecast])

    return put


def about(day: float, **target: str) -> SourceQuery:
    return SourceQuery(target or {"ticker": "AAPL"}, at(day))


async def test_the_cached_forecast_when_it_was_known(source, put):
    await put(0, 0.6)
    for query in (about(0), about(3), about(0, symbol="AAPL")):
        result = await source.fetch(query)
        assert (result.data["prob_up"], result.as_of, result.gaps) == (0.6, at(0), ())
        assert result.size_bytes > 50


@pytest.mark.needs("commandstats")
async def test_an_arena_reads_a_cached_forecast_in_one_round_trip(app, redis, put):
    await put(0, 0.6)
    fetcher = app().sources.get("kronos_forecast")
    assert await commands_of(redis, lambda: fetcher.fetch(about(1))) == 1


async def test_the_symbol_may_be_in_small_letters(source, put):
    await put(0, 0.6)
    assert (await source.fetch(about(1, ticker="aapl"))).data["prob_up"] == 0.6


async def test_an_old_forecast_is_given_and_called_stale(source, app, put):
    await put(0, 0.6)
    result = await source.fetch(about(4.1))
    assert (result.data["prob_up"], result.gaps) == (0.6, ("stale_kronos_forecast",))
    patient = app().sources.get("kronos_forecast", {"max_age_days": 5})
    assert (await patient.fetch(about(4.1))).gaps == ()


async def test_an_earlier_question_gets_the_forecast_emitted_before_it(source, put):
    await put(0, 0.6)
    await put(1, 0.7, "MSFT")
    await put(1, 0.8)
    await put(2, 0.4)
    result = await source.fetch(about(1.5))
    assert (result.data["prob_up"], result.as_of) == (0.8, at(1))


@pytest.mark.parametrize("query", [about(-1), about(1, ticker="MSFT"), about(1, question_id="q")])
async def test_nothing_known_is_a_gap(source, put, query):
    await put(0, 0.6)
    result = await source.fetch(query)
    assert (result.data, result.as_of, result.gaps) == (None, None, ("no_kronos_forecast",))


async def test_another_timeframe_is_another_forecast(app, put):
    await put(0, 0.6)
    assert (await app().sources.get("kronos_forecast", {"timeframe": "1h"}).fetch(about(1))).data is None


@pytest.mark.parametrize("rubbish", [b"{", b"[]", b'{"as_of": "soon"}'])
async def test_what_cannot_be_read_is_a_gap(source, redis, rubbish):
    await redis.set("kronos:forecast:AAPL:1d", rubbish)
    assert (await source.fetch(about(1))).gaps == ("parse_fail_kronos_forecast",)


async def test_entries_of_others_on_the_stream_are_passed_over(source, put, redis):
    await put(0, 0.6)
    await redis.xadd("kronos:forecasts:emitted", {"data": b"{"})
    await redis.xadd("kronos:forecasts:emitted", {"symbol": "AAPL", "tf": "1d"})
    await put(2, 0.4)
    assert (await source.fetch(about(1))).data["prob_up"] == 0.6


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 1)), max_size=8), st.integers(-2, 11))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_nothing_is_ever_known_too_early(source, put, redis, forecasts, asked):
    await redis.flushall()
    for day, prob_up in forecasts:
        await put(day, prob_up)
    result = await source.fetch(about(asked))
    assert result.as_of is None or result.as_of <= at(asked)
    newest = max((day for day, _ in forecasts), default=99)
    if newest <= asked:
        assert result.as_of == at(newest)


async def test_freshness_counts_the_cache_and_dates_the_stream(source, put, redis):
    await put(0, 0.6)
    await put(0, 0.5, "MSFT")
    found = await probe(redis, source.freshness_spec(source.config))
    assert (found.kind, found.count) == ("key", 2)
    assert 0 <= found.age_s < 60

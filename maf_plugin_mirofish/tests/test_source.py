"""The source `mirofish_sim`: by report or by symbol, never later than it is asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maf_core import SourceQuery
from maf_core.sources.freshness import probe
from maf_plugin_mirofish.store import EMITTED, OutcomeStore, cache_key

START = datetime(2025, 1, 6, 21, tzinfo=UTC)


def at(hour: float) -> datetime:
    return START + timedelta(hours=hour)


def about(hour: float, **target: str) -> SourceQuery:
    return SourceQuery(target or {"ticker": "AAPL"}, at(hour))


@pytest.fixture
def source(app):
    return app().sources.get("mirofish_sim")


@pytest.fixture
def end(redis):
    """Publish the outcome of a report's simulation, as the refresher does."""
    store = OutcomeStore(redis, 60)

    async def publish(report_id: str, hour: float, prob_up: float | None, symbol: str = "AAPL") -> None:
        result = {"status": "failed", "reason": "?"} if prob_up is None else {"status": "completed", "prob_up": prob_up}
        await store.publish({"report_id": report_id, "symbol": symbol, "as_of": at(hour).isoformat(), **result})

    return publish


async def test_the_newest_about_a_symbol(source, end):
    await end("r1", 0, 0.6)
    await end("r2", 1, 0.7)
    await end("r3", 2, 0.1, "MSFT")
    for target in ({"ticker": "AAPL"}, {"symbol": "aapl"}):
        result = await source.fetch(about(3, **target))
        assert (result.data["prob_up"], result.as_of, result.gaps) == (0.7, at(1), ())
        assert result.size_bytes > 50


async def test_that_of_a_report(source, end):
    await end("r1", 0, 0.6)
    await end("r2", 1, 0.7)
    assert (await source.fetch(about(3, report_id="r1"))).data["prob_up"] == 0.6
    assert (await source.fetch(about(3, report_id="r9", ticker="AAPL"))).gaps == ("no_mirofish_sim",)


async def test_earlier_questions_get_what_was_known_then(source, end):
    await end("r1", 0, 0.6)
    await end("r2", 2, 0.7)
    assert (await source.fetch(about(1))).data["prob_up"] == 0.6
    assert (await source.fetch(about(-1))).gaps == ("no_mirofish_sim",)
    assert (await source.fetch(about(1, report_id="r2"))).gaps == ("no_mirofish_sim",)


async def test_an_old_one_is_given_and_called_stale(source, app, end):
    await end("r1", 0, 0.6)
    result = await source.fetch(about(48.1))
    assert (result.data["prob_up"], result.gaps) == (0.6, ("stale_mirofish_sim",))
    patient = app().sources.get("mirofish_sim", {"max_age_hours": 72})
    assert (await patient.fetch(about(48.1))).gaps == ()


async def test_a_failure_is_said(source, end):
    await end("r1", 0, None)
    for target in ({"report_id": "r1"}, {"ticker": "AAPL"}):
        assert (await source.fetch(about(1, **target))).gaps == ("no_mirofish_sim", "failed_mirofish_sim")
        assert (await source.fetch(about(-1, **target))).gaps == ("no_mirofish_sim",)
    await end("r2", 1, 0.7)
    assert (await source.fetch(about(2))).gaps == ()
    await end("r3", 3, None)
    result = await source.fetch(about(4))
    assert (result.data["prob_up"], result.gaps) == (0.7, ("failed_mirofish_sim",))


async def test_what_others_put_there_is_passed_over(source, end, redis):
    await redis.set(cache_key("r1"), b"{")
    await redis.xadd(EMITTED, {"data": b'{"report_id": "r1", "symbol": "AAPL", "as_of": "soon"}'})
    await redis.xadd(EMITTED, {"data": b'{"report_id": [], "symbol": 7, "as_of": "2025-01-06", "status": "completed"}'})
    await end("r2", 0, 0.6)
    assert (await source.fetch(about(1))).data["report_id"] == "r2"
    assert (await source.fetch(about(1, report_id="r1"))).gaps == ("no_mirofish_sim",)


async def test_a_target_without_a_symbol_has_nothing(source, end):
    await end("r1", 0, 0.6)
    assert (await source.fetch(about(1, question_id="q"))).gaps == ("no_mirofish_sim",)


@given(st.lists(st.tuples(st.integers(0, 9), st.none() | st.floats(0, 1)), max_size=8), st.integers(-2, 11))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_nothing_is_ever_known_too_early(app, end, redis, outcomes, asked):
    await redis.flushall()
    for number, (hour, prob_up) in enumerate(outcomes):
        await end(f"r{number}", hour, prob_up)
    result = await app().sources.get("mirofish_sim").fetch(about(asked))
    known = [hour for hour, prob_up in outcomes if hour <= asked and prob_up is not None]
    assert result.as_of == (at(max(known)) if known else None)


async def test_freshness_counts_the_cache_and_dates_the_stream(source, end, redis):
    await end("r1", 0, 0.6)
    await end("r2", 0, None)
    found = await probe(redis, source.freshness_spec(source.config))
    assert (found.kind, found.count) == ("key", 2)
    assert 0 <= found.age_s < 60

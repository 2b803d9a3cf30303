"""The arenas in examples/ work with the plugins they name, and decide from what they bind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from maf_core import publish
from maf_core.arenas.config import load_arena
from maf_core.arenas.engine import ArenaEngine
from maf_core.arenas.run import RunRequest
from maf_core.checking import check_arena
from maf_core.plane.triggers import compile_rules
from maf_core.plugins import PluginManager, Selection
from maf_plugin_trtools2.testing import TrtoolsApi

ARENAS = Path(__file__).parents[1] / "examples" / "arenas"
NOW = datetime(2024, 3, 1, 21, tzinfo=UTC)


@pytest.fixture
def decide(make_context):
    """Run an example arena about AAPL at NOW."""
    plugins = PluginManager.load(Selection())

    async def run(name: str):
        arena = load_arena(ARENAS / f"{name}.yaml")
        check_arena(plugins, arena)
        request = RunRequest(arena.name, {"ticker": "AAPL"}, NOW, name)
        return await ArenaEngine(make_context(plugins=plugins, arenas=[arena])).run(request)

    return run


async def rising_bars(redis, timeframe: str, length: timedelta, count: int) -> None:
    for number in range(count):
        price = 100 * 1.002**number
        opened = NOW - length * (count - number)
        prices = {"o": price, "h": price * 1.001, "l": price * 0.999, "c": price, "v": 1000}
        await publish(redis, f"trtools2:bars:{timeframe}", {"symbol": "AAPL", "t": opened.isoformat(), **prices})


@pytest.mark.parametrize("name", sorted(path.stem for path in ARENAS.glob("*.yaml")))
async def test_without_any_data_an_example_holds_and_says_what_is_missing(redis, decide, name):
    done = await decide(name)
    assert (done.error, done.state["synthesis_verdict"]) == (None, "HOLD")
    assert done.meta["required_gaps"]


async def test_market_pulse_buys_what_rises_and_dates_its_inputs(redis, decide):
    await rising_bars(redis, "1d", timedelta(days=1), 120)
    written = (NOW - timedelta(hours=2)).isoformat()
    await publish(redis, "fomo2:reports", {"title": "Up", "symbols": ["AAPL"], "created_at": written})
    done = await decide("market_pulse")
    assert done.state["synthesis_verdict"] == "BUY"
    assert done.meta["input_ages_s"]["reports"] == 7200
    assert "no_kronos_forecast" in done.meta["gaps"]


async def test_alpaca_live_reads_four_streams_and_asks_three_questions(redis, decide, monkeypatch):
    await rising_bars(redis, "1m", timedelta(minutes=1), 120)
    with TrtoolsApi() as api:
        monkeypatch.setenv("TRTOOLS2_API_URL", api.url)
        done = await decide("alpaca_live")
    assert done.state["synthesis_verdict"] == "BUY"
    # Health is about now and not told of the past, so that two of the three questions go out.
    assert sorted(path for path, _ in api.calls) == ["/bars", "/snapshots"]
    asked = {metric["binding"] for metric in done.state["source_metrics"]}
    assert asked == set(done.arena.sources)


def test_alpaca_live_has_what_its_summary_promises():
    arena = load_arena(ARENAS / "alpaca_live.yaml")
    over_http = [binding for binding in arena.sources.values() if binding.source == "trtools2_api"]
    assert (len(arena.sources) - len(over_http), len(over_http), len(arena.triggers)) == (4, 3, 2)
    assert set(compile_rules([arena])) == {"trtools2:strategy_events", "trtools2:news"}

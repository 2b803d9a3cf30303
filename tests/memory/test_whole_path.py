"""An arena decides, the paper broker trades, the outcome comes back, and the next run recalls both."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from maf_core import Bar, publish
from maf_core.app import MAFApp
from maf_core.arenas.remembering import recalled
from maf_core.arenas.run import RunRequest
from maf_core.bars import known_at
from maf_core.context import AppContext
from maf_core.outbox.execution import ActionConsumer
from maf_core.plane.remembering import OutcomeKeeper
from maf_core.streams.quiet import until_quiet
from maf_core.testing import running
from maf_plugin_paper.broker import PaperBroker

OPENS = (100.0, 100.0, 110.0, 110.0)
PHASES = [
    {"name": "look", "agents": [{"name": "chart", "role": "momentum"}]},
    {"name": "decide", "agents": [{"name": "verdict", "role": "synthesis"}]},
]


def bar(day: int) -> Bar:
    opened = datetime(2012, 6, 4, 4, tzinfo=UTC) + timedelta(days=day)
    return Bar("AAPL", "1d", opened, OPENS[day], 120.0, 90.0, OPENS[day], 1e6, known_at(opened, "1d"))


def close(day: int) -> datetime:
    """When the bar of this day became known, and the run of this day is made."""
    return bar(day).as_of


def request(day: int) -> RunRequest:
    target = {"ticker": "AAPL", "trade_date": close(day).date().isoformat()}
    return RunRequest("panel", target, close(day), f"day-{day}")


async def recall(context: AppContext, as_of: datetime) -> dict[str, Any]:
    """The outcome of each run recalled, by command."""
    found = await recalled(context, context.arenas["panel"], replace(request(0), as_of=as_of))
    return {one["arena_id"].removeprefix("panel-"): one["outcome"] for one in found}


@pytest.fixture
def momentum(role):
    """Bullish on the first day, bearish from the second on."""

    async def run(agent, state, context):
        signal = "BULLISH" if context.as_of == close(0) else "BEARISH"
        said = {"signal": signal, "confidence": 0.9, "summary": "momentum turned"}
        return {"signals": {agent.name: {"agent": agent.name, "domain": "technical", **said}}}

    return role("momentum", run)


@pytest.fixture
async def lived(redis, remembering, momentum, brisk, clock) -> AppContext:
    """Three days, each a bar and a run at its close: buy, sell, nothing to sell. The clock is held as by a replay."""
    context = remembering(momentum, phases=PHASES)
    app, broker = MAFApp(context), PaperBroker(context)
    for consumer in (broker.executions, broker.bars):
        consumer.options = replace(consumer.options, block_ms=10)
    async with running(brisk(ActionConsumer(context)), brisk(OutcomeKeeper(context)), broker):
        for day in range(3):
            await clock.hold(close(day))
            await publish(redis, "trtools2:bars:1d", bar(day).payload())
            await until_quiet(redis)
            await app.run(request(day))
            await until_quiet(redis)
    return context


async def test_the_next_run_recalls_the_decisions_before_it_with_what_came_of_them(lived):
    found = await recall(lived, close(3))
    assert list(found) == ["day-2", "day-1", "day-0"]
    assert (found["day-2"], found["day-1"]) == (None, None)
    assert found["day-0"]["return"] == pytest.approx(0.0994, abs=0.001)
    assert found["day-0"]["pnl"] > 0
    assert found["day-0"]["known_at"] == "2012-06-06T20:00:00Z"
    assert found["day-0"]["text"].startswith("closed on 2012-06-06, return +9.9")


@pytest.mark.parametrize(
    ("as_of", "decisions", "outcomes"),
    [
        (close(0) - timedelta(hours=1), [], []),
        (close(0), [], []),
        (close(1), ["day-0"], []),
        (close(2) - timedelta(seconds=1), ["day-1", "day-0"], []),
        (close(2), ["day-1", "day-0"], []),
        (close(2) + timedelta(seconds=1), ["day-2", "day-1", "day-0"], ["day-0"]),
    ],
    ids=["before", "first-run", "open", "sold-but-not-known", "known-just-now", "after"],
)
async def test_a_run_as_of_an_earlier_moment_does_not_see_what_came_later(lived, as_of, decisions, outcomes):
    found = await recall(lived, as_of)
    assert list(found) == decisions
    assert [run for run, outcome in found.items() if outcome] == outcomes


async def test_a_run_that_is_repeated_is_remembered_once_and_keeps_its_outcome(lived):
    before = await recall(lived, close(3))
    await MAFApp(lived).run(request(0))
    assert await recall(lived, close(3)) == before

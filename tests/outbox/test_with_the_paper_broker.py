"""The gate, the broker and the books together: what the broker ends, the gate counts no longer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from maf_core import Bar, publish
from maf_core.bars import known_at
from maf_core.outbox.trading import read_trading
from maf_core.streams.names import ACTIONS
from maf_core.streams.quiet import until_quiet
from maf_core.testing import running
from maf_plugin_paper.broker import PaperBroker

OPENS = (100.0, 100.0, 104.0, 90.0, 90.0)


def bar(day: int) -> Bar:
    opened = datetime(2012, 6, 4, 4, tzinfo=UTC) + timedelta(days=day)
    return Bar("AAPL", "1d", opened, OPENS[day], 120.0, 80.0, OPENS[day], 1e6, known_at(opened, "1d"))


@pytest.fixture
def live(redis, desk, action, brisk):
    """Play a bar and a decision a day with everything running; gives the desk and the sizes open after each day."""

    async def play(*verdicts: str, **settings):
        office = desk(settings=settings, max_ticker_exposure=0.3, max_loss=1000)
        broker = PaperBroker(office.context)
        for consumer in (broker.executions, broker.bars):
            consumer.options = replace(consumer.options, block_ms=10)
        open_sizes = []
        async with running(brisk(office.actions), brisk(office.positions), broker):
            for day, verdict in enumerate(verdicts):
                await office.context.clock.hold(bar(day).as_of)
                await publish(redis, "trtools2:bars:1d", bar(day).payload())
                await until_quiet(redis)
                target = {"trade_date": f"day {day}"}
                one = action(verdict=verdict, target=target, sizing={"size_fraction": 0.2}, published_at=bar(day).as_of)
                await publish(redis, ACTIONS, one.model_dump(mode="json"))
                await until_quiet(redis)
                open_sizes.append(round(sum((await office.open()).values()), 6))
        return office, open_sizes

    return play


async def test_a_purchase_counts_until_it_is_sold_and_what_is_dropped_does_not(live, redis):
    office, open_sizes = await live("SELL", "BUY", "HOLD", "SELL", "HOLD")
    assert open_sizes == [0.0, 0.2, 0.2, 0.2, 0.0]
    assert [execution.status for execution in await office.executions()] == ["approved"] * 5
    locked = await read_trading(redis)
    assert (locked.state, locked.why.startswith("-2,7")) == ("REDUCING", True), "bought at 104, sold at 90"


async def test_a_second_purchase_is_refused_while_there_is_no_room(live):
    office, open_sizes = await live("BUY", "BUY", "HOLD")
    assert open_sizes == [0.2, 0.2, 0.2]
    assert [execution.status for execution in await office.executions()] == ["approved", "rejected", "approved"]


async def test_another_engines_executions_are_left_alone(live, redis):
    _, open_sizes = await live("BUY", "HOLD", "SELL", "HOLD", execution={"engine": "alpaca"})
    assert open_sizes == [0.2] * 4
    assert await redis.xlen("maf:outcomes:out") == 0

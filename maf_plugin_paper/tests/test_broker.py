"""The broker on a real server: executions and bars in, outcomes out."""

from __future__ import annotations

import pytest

from maf_core import publish
from maf_core.clock import ServiceClock
from maf_core.errors import ConfigError
from maf_core.streams import codec
from maf_core.streams.consume import Entry
from maf_core.streams.names import DEAD, EXECUTIONS
from maf_core.streams.quiet import until_quiet
from maf_core.testing import running, wait_until
from maf_core.testing.conformance.server import commands_of
from maf_plugin_paper.store import read_accounts


async def test_a_trade_from_decision_to_close(redis, market, make_broker):
    async with running(make_broker()):
        await market.tick(0)
        await market.decide(0, "BUY", "opening")
        await until_quiet(redis)
        assert await market.told() == []
        await market.tick(1, 101.0)
        await until_quiet(redis)
        await market.decide(3, "SELL", "closing")
        await until_quiet(redis)
        await market.tick(4, 110.0)
        await until_quiet(redis)
    assert await market.told() == [("fill", "opening"), ("fill", "closing"), ("close", "opening")]
    bought, sold, close = await market.outcomes()
    assert bought["filled_at"] == market.bar(1).t.isoformat()
    assert (bought["price"], bought["fee"], bought["slippage"]) == (pytest.approx(101.0202), 1.0, 2.0)
    assert (sold["side"], sold["correlation_id"]) == ("SELL", "closing-c")
    assert (close["closing_arena_id"], close["correlation_id"]) == ("closing", "opening-c")
    assert (close["opened_at"], close["closed_at"]) == (bought["filled_at"], sold["filled_at"])
    assert close["holding_days"] == 3.0
    assert close["pnl"] == pytest.approx(sold["value"] - sold["fee"] - bought["value"] - bought["fee"], abs=1e-6)
    assert close["return"] == pytest.approx(close["pnl"] / (bought["value"] + bought["fee"]), abs=1e-8)
    assert all(outcome["published_at"] for outcome in (bought, sold, close))


async def test_an_order_fills_at_its_next_bar_when_later_ones_stand_in_the_stream(redis, market, make_broker):
    for day, price in enumerate((100.0, 101.0, 102.0, 103.0)):
        await market.tick(day, price)
    await market.decide(1, "BUY", "late")
    async with running(make_broker(slippage_bps=0)):
        await until_quiet(redis)
    (fill,) = await market.outcomes()
    assert (fill["price"], fill["filled_at"]) == (102.0, market.bar(2).t.isoformat())
    position = (await read_accounts(redis))["trading"].positions["AAPL"]
    assert (position.last_price, position.marked_at) == (103.0, market.bar(3).as_of)


@pytest.mark.parametrize("has_future", [True, False])
async def test_the_future_of_a_replay_changes_nothing(redis, market, make_broker, has_future):
    for day in range(2, 6) if has_future else ():
        await market.tick(day, 500.0)
    async with running(make_broker(slippage_bps=0)):
        for day in range(3):
            await ServiceClock(redis).hold(market.bar(day).as_of)
            await market.tick(day, 100.0 + day)
            await market.decide(day, "BUY", f"run-{day}")
            await until_quiet(redis)
    assert [(fill["price"], fill["quantity"]) for fill in (await market.outcomes())[:1]] == [(101.0, 99.009900)]
    position = (await read_accounts(redis))["trading"].positions["AAPL"]
    assert (position.last_price, position.marked_at) == (102.0, market.bar(2).as_of)


async def test_orders_that_piled_up_fill_each_at_its_own_bar(redis, market, make_broker):
    for day in range(6):
        await market.tick(day, 100.0 + day)
    await market.decide(0, "BUY", "opening")
    await market.decide(2, "SELL", "closing")
    async with running(make_broker(slippage_bps=0)):
        await until_quiet(redis)
    assert await market.told() == [("fill", "opening"), ("fill", "closing"), ("close", "opening")]
    assert [fill["price"] for fill in (await market.outcomes())[:2]] == [101.0, 103.0]


async def test_a_bar_on_the_stream_fills_the_waiting_order_before_the_next_decision(market, make_broker):
    """The bars' consumer may be behind: the predecessor's bar is not lost to the order that comes after it."""
    broker = make_broker()
    await broker.prepare()
    await broker.on_execution(Entry(EXECUTIONS, "1-0", market.execution(0, "BUY", "opening")))
    await market.tick(1)
    await broker.on_execution(Entry(EXECUTIONS, "2-0", market.execution(1, "SELL", "closing")))
    assert await market.told() == [("fill", "opening")]


async def test_only_approved_buys_and_sells_for_paper_become_orders(redis, market, make_broker):
    await market.decide(0, "BUY", "real", engine="alpaca")
    await market.decide(0, "HOLD", "hold", size=0.0)
    await market.decide(0, "BUY", "rejected", status="rejected")
    await market.decide(0, "BUY", "pending", status="pending_approval")
    async with running(make_broker()):
        await until_quiet(redis)
        await market.tick(1)
        await until_quiet(redis)
    assert await market.told() == []
    assert await read_accounts(redis) == {}


async def test_arenas_have_accounts_of_their_own(redis, market, make_broker):
    async with running(make_broker(initial_equity=1_000.0)):
        await market.decide(0, "BUY", "a", arena="first")
        await market.decide(0, "BUY", "b", arena="second", ticker="MSFT")
        await until_quiet(redis)
        await market.tick(1)
        await until_quiet(redis)
    accounts = await read_accounts(redis)
    assert list(accounts["first"].positions) == ["AAPL"]
    assert list(accounts["second"].waiting) == ["MSFT"]
    assert accounts["second"].cash == 1_000.0


async def test_what_cannot_be_read_goes_to_the_dead_letters_and_the_others_go_on(redis, market, make_broker):
    async with running(make_broker()):
        await publish(redis, EXECUTIONS, {"status": "approved"})
        await market.decide(0, "BUY", "late", meta_is_ignored=1)
        broken = market.execution(0, "BUY", "broken")
        broken["action"]["meta"]["as_of"] = "yesterday"
        await publish(redis, EXECUTIONS, broken)
        await publish(redis, "trtools2:bars:1d", market.bar(1).payload() | {"h": -1.0})
        await market.tick(1)
        await until_quiet(redis)
    letters = [codec.decode(fields) for _, fields in await redis.xrange(DEAD)]
    reasons = sorted(letter["reason"] for letter in letters)
    assert len(reasons) == 3
    assert reasons[0].startswith("'yesterday' is no timestamp")
    assert reasons[1].startswith("high -1 is not a positive price")
    assert reasons[2].startswith("the execution is not valid: action")
    assert await market.told() == [("fill", "late")]


async def test_a_bar_may_leave_its_timeframe_to_the_stream(redis, market, make_broker):
    async with running(make_broker()):
        await market.decide(0, "BUY", "run")
        await until_quiet(redis)
        flat = {"S": "AAPL", "t": "2012-06-02T04:00:00Z", "o": "100", "h": "101", "l": "99", "c": "100", "v": "1"}
        await redis.xadd("trtools2:bars:1d", flat)
        await wait_until(market.told)
    assert await market.told() == [("fill", "run")]


async def test_bars_come_from_the_configured_streams(redis, market, make_broker):
    async with running(make_broker(bars_streams=["mine:bars:1d", "mine:bars:1h"])):
        await market.decide(0, "BUY", "run")
        await until_quiet(redis)
        await market.tick(1, 90.0)
        await publish(redis, "mine:bars:1h", market.bar(1, 95.0).payload())
        await until_quiet(redis)
    assert (await market.outcomes())[0]["price"] == pytest.approx(95.019)


def test_wrong_settings_name_the_key(make_broker):
    with pytest.raises(ConfigError, match=r"plugins\.paper.*fee_bps"):
        make_broker(fee_bps=-1)


@pytest.mark.needs("commandstats")
async def test_a_bar_of_a_ticker_nobody_follows_costs_one_round_trip(redis, market, make_broker):
    broker = make_broker()
    await broker.prepare()
    await broker.on_execution(Entry(EXECUTIONS, "1-0", market.execution(0, "BUY", "run")))
    bar = Entry("trtools2:bars:1d", "1-0", market.bar(1, ticker="IBM").payload())
    assert await commands_of(redis, lambda: broker.on_bar(bar)) == 1

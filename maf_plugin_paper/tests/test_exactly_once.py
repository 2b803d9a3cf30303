"""Whoever dies and whatever is delivered twice: each order counts once."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from maf_core import Entry
from maf_core.streams.names import EXECUTIONS
from maf_core.streams.quiet import until_quiet
from maf_core.testing import wait_until
from maf_plugin_paper.broker import PaperBroker
from maf_plugin_paper.store import read_accounts

BARS = "trtools2:bars:1d"
STORY = [("BUY", 0), ("bar", 1), ("SELL", 1), ("bar", 2), ("SELL", 2), ("BUY", 3), ("BUY", 4), ("bar", 5)]
ENDS = {
    ("fill", "run-0"): 1,
    ("fill", "run-2"): 1,
    ("close", "run-0"): 1,
    ("dropped", "run-4"): 1,
    ("dropped", "run-5"): 1,
    ("fill", "run-6"): 1,
}
# When all bars are there from the beginning, the fifth order has its bar before the sixth can replace it.
ENDS_AT_ONCE = {**ENDS, ("fill", "run-5"): 1, ("dropped", "run-6"): 1}
del ENDS_AT_ONCE["dropped", "run-5"], ENDS_AT_ONCE["fill", "run-6"]


class Dying:
    """What kills the process of a client before its n-th command."""

    def __init__(self, client: Redis) -> None:
        self.left = 0
        self._send = client.execute_command
        client.execute_command = self.execute_command

    async def execute_command(self, *args, **options):
        """Send the command, if the process still lives."""
        if not self.left:
            raise RedisConnectionError("killed")
        self.left -= 1
        return await self._send(*args, **options)


async def tell(market, broker: PaperBroker, number: int) -> None:
    """Let the broker handle one event of the story."""
    kind, day = STORY[number]
    if kind == "bar":
        await broker.on_bar(Entry(BARS, f"{number}-0", market.bar(day).payload()))
    else:
        await broker.on_execution(Entry(EXECUTIONS, f"{number}-0", market.execution(day, kind, f"run-{number}")))


async def test_every_delivery_twice_changes_nothing(redis, market, make_broker):
    broker = make_broker()
    for number in range(len(STORY)):
        await tell(market, broker, number)
        account = await read_accounts(redis)
        await tell(market, broker, number)
        assert await read_accounts(redis) == account
    assert Counter(await market.told()) == ENDS


async def test_old_deliveries_change_nothing(redis, market, make_broker):
    broker = make_broker()
    for last in range(len(STORY)):
        for number in range(last + 1):
            await tell(market, broker, number)
    assert Counter(await market.told()) == ENDS


async def test_many_workers_on_the_same_deliveries_change_nothing(redis, market, make_broker):
    brokers = [make_broker() for _ in range(4)]
    for number in range(len(STORY)):
        await asyncio.gather(*(tell(market, broker, number) for broker in brokers))
    assert Counter(await market.told()) == ENDS


async def test_changes_of_different_orders_at_once_all_count(redis, market, make_broker):
    tickers = [f"T{number}" for number in range(12)]
    brokers = [make_broker() for _ in tickers]
    orders = [market.execution(0, "BUY", ticker, ticker=ticker, size=0.01) for ticker in tickers]
    await asyncio.gather(
        *(broker.on_execution(Entry(EXECUTIONS, "1-0", order)) for broker, order in zip(brokers, orders, strict=True))
    )
    bars = [Entry(BARS, "1-0", market.bar(1, ticker=ticker).payload()) for ticker in tickers]
    await asyncio.gather(*(broker.on_bar(bar) for broker, bar in zip(brokers, bars, strict=True)))
    assert sorted((await read_accounts(redis))["trading"].positions) == sorted(tickers)
    assert Counter(await market.told()) == {("fill", ticker): 1 for ticker in tickers}


@pytest.mark.parametrize("bars_first", [False, True], ids=["bars come", "bars are there"])
async def test_killed_between_any_two_steps(redis_engine, redis, market, make_broker, bars_first):
    if bars_first:
        for day in range(7):
            await market.tick(day)
    async with redis_engine.connect() as client:
        dying, doomed = Dying(client), make_broker(client)
        for number in range(len(STORY)):
            for survives in range(12):
                dying.left = survives
                try:
                    await tell(market, doomed, number)
                except RedisConnectionError:
                    continue
                break
            else:
                pytest.fail("one event takes twelve commands")
            await tell(market, make_broker(), number)
    assert Counter(await market.told()) == (ENDS_AT_ONCE if bars_first else ENDS)


def serve(redis_url: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"MAF_LEASE_S": "0.3", "REDIS_URL": redis_url}
    words = [sys.executable, "-m", "maf_core", "service", "run", "--plugins", "paper", "--log-level", "error"]
    return subprocess.Popen(words, env=environment)


async def test_two_services_one_of_which_is_killed(redis_url, redis, market):
    """Real processes, a real SIGKILL: every order ends once, and the books agree with what was published."""
    services = [serve(redis_url), serve(redis_url)]
    try:
        await wait_until(lambda: redis.exists(BARS), timeout_s=30)
        runs = await trade(market, days=range(25))
        await wait_until(market.told, timeout_s=30)
        os.kill(services[0].pid, signal.SIGKILL)
        runs |= await trade(market, days=range(25, 50))
        async with asyncio.timeout(60):
            await until_quiet(redis)
        await assert_each_order_ended_once(redis, market, runs)
    finally:
        for service in services:
            service.kill()
            service.wait()


async def trade(market, days: range) -> set[str]:
    """On each day a bar and an opposite decision for each of three tickers; returns the runs."""
    runs = set()
    for day in days:
        for ticker in ("AAPL", "IBM", "MSFT"):
            await market.tick(day, 100.0 + day % 7, ticker=ticker)
            runs.add(run := f"{ticker}-{day}")
            await market.decide(day, "SELL" if day % 2 else "BUY", run, ticker=ticker)
    return runs


async def assert_each_order_ended_once(redis, market, runs: set[str]) -> None:
    outcomes = await market.outcomes()
    account = (await read_accounts(redis))["trading"]
    waiting = [order.arena_id for order in account.waiting.values()]
    ends = [outcome["arena_id"] for outcome in outcomes if outcome["kind"] != "close"]
    assert Counter(ends + waiting) == Counter(runs)
    fills = [outcome for outcome in outcomes if outcome["kind"] == "fill"]
    closes = [outcome for outcome in outcomes if outcome["kind"] == "close"]
    assert (account.fills, account.closes) == (len(fills), len(closes))
    assert account.fees == pytest.approx(sum(fill["fee"] for fill in fills), abs=1e-6)
    assert account.realized == pytest.approx(sum(close["pnl"] for close in closes), abs=1e-6)
    assert closes, "something was traded"

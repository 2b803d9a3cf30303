"""What the refresher does when the forecast service refuses, is not ready, is too slow or is not there."""

from __future__ import annotations

import threading

import pytest
from pydantic_core import from_json

from maf_core import Target, parse_bar
from maf_core.streams.quiet import until_quiet
from maf_core.streams.valkey import free_port
from maf_core.testing import wait_until
from maf_plugin_kronos.service.bootstrap import BootstrapSampler
from maf_plugin_kronos.service.engine import Engine
from maf_plugin_kronos.store import EMITTED, HEARTBEAT

SYMBOLS = [f"S{number}" for number in range(10)]


class Scripted(BootstrapSampler):
    """The bootstrap, which notes about how many series it is asked at once, and does what a test says first."""

    def __init__(self, does=lambda requests: None):
        self.asked: list[int] = []
        self._does = does

    def sample_many(self, requests, samples):
        self.asked.append(len(requests))
        self._does(requests)
        return super().sample_many(requests, samples)

    def engine(self, timeout_s: float = 10.0) -> Engine:
        engine = Engine("bootstrap", self.model, lambda: self, timeout_s)
        engine.load()
        return engine


@pytest.fixture
def port() -> int:
    """One that nobody listens on."""
    return free_port()


@pytest.fixture
async def histories(feed, make_bars):
    """Forty bars of each symbol on the stream; gives when the last of them was known."""
    for number, symbol in enumerate(SYMBOLS):
        await feed(make_bars(40, symbol=symbol, seed=number))
    return parse_bar(make_bars(40)[-1]).as_of


def forecasts(store, least: int):
    async def enough() -> bool:
        return (await store.totals())["forecasts"] >= least

    return wait_until(enough)


def failures(store, least: int):
    async def enough() -> bool:
        return (await store.totals())["failures"] >= least

    return wait_until(enough)


async def test_all_that_is_due_goes_in_one_request(refreshing, store, histories, served_here):
    sampler = Scripted()
    async with served_here(sampler.engine()) as url, refreshing(histories, symbols=SYMBOLS, url=url):
        await forecasts(store, 10)
    assert sampler.asked == [10]


async def test_no_more_in_one_request_than_is_set(refreshing, store, histories, served_here):
    sampler = Scripted()
    async with served_here(sampler.engine()) as url, refreshing(histories, symbols=SYMBOLS, url=url, batch_size=4):
        await forecasts(store, 10)
    assert sorted(sampler.asked) == [2, 4, 4]


async def test_series_that_the_service_refuses_fail_alone_and_say_why(refreshing, store, feed, make_bars, redis):
    await feed(make_bars(40, symbol="GOOD"))
    await feed(make_bars(8, symbol="SHORT"))
    now = parse_bar(make_bars(40)[-1]).as_of
    async with refreshing(now, symbols=["GOOD", "SHORT"], min_bars=8) as (worker,):
        await forecasts(store, 1)
        await wait_until(lambda: worker.attempts.failed_before(Target("SHORT", "1d")))
        assert not worker.attempts.failed_before(Target("GOOD", "1d"))
        assert worker.attempts.pause_s == 0
    assert await store.totals() == {"forecasts": 1, "failures": 1, "emitted": await redis.xlen(EMITTED)}


async def test_a_model_that_fails_on_one_series_fails_it_alone(refreshing, store, histories, served_here):
    def fails(requests):
        if any(request.symbol == "S3" for request in requests):
            raise ArithmeticError("singular")

    sampler = Scripted(fails)
    async with (
        served_here(sampler.engine()) as url,
        refreshing(histories, symbols=SYMBOLS[:4], url=url) as (worker,),
    ):
        await forecasts(store, 3)  # each again on its own
        await wait_until(lambda: worker.attempts.failing == 1)
        assert worker.attempts.failed_before(Target("S3", "1d"))
        assert (await store.cached([("S3", "1d")])) == [None]


async def test_a_model_that_is_loading_is_waited_for_as_long_as_it_asks(refreshing, store, histories, served_here):
    engine = Engine("kronos", "some/model", Scripted, timeout_s=5)
    async with served_here(engine) as url, refreshing(histories, symbols=SYMBOLS, url=url) as (worker,):
        pause_s = await wait_until(lambda: worker.attempts.pause_s)
        assert 1 < pause_s <= 2  # the service says 2, the first backoff would be 0.5
        assert (await store.totals())["failures"] == 1
        assert worker.attempts.failing == 0  # no series is to blame
        engine.load()
        await forecasts(store, 10)


async def test_a_service_that_is_away_is_backed_off_from_and_found_again(
    refreshing, redis, store, histories, served_here, port
):
    async with refreshing(histories, symbols=SYMBOLS, url=f"http://127.0.0.1:{port}"):
        await failures(store, 2)
        beat = from_json(await redis.get(HEARTBEAT))
        assert (beat["watched"], beat["failing"]) == (10, 0)
        async with served_here(Scripted().engine(), port):
            await forecasts(store, 10)


async def test_bars_that_come_while_the_service_is_away_are_made_up_for(
    refreshing, redis, store, feed, make_bars, served_here, port
):
    bars = make_bars(42)
    await feed(bars[:40])
    async with refreshing(parse_bar(bars[-1]).as_of, url=f"http://127.0.0.1:{port}"):
        await failures(store, 1)
        await feed(bars[40:])
        await until_quiet(redis)  # acknowledged all the same
        async with served_here(Scripted().engine(), port):
            await forecasts(store, 1)
    (found,) = await store.cached([("AAPL", "1d")])
    assert found["as_of"] == parse_bar(bars[-1]).as_of.isoformat()


async def test_a_service_that_is_too_slow_for_many_is_asked_about_fewer(refreshing, store, histories, served_here):
    gate = threading.Event()

    def slow(requests):
        if len(requests) > 3:
            gate.wait(10)

    sampler = Scripted(slow)
    async with (
        served_here(sampler.engine()) as url,
        refreshing(histories, symbols=SYMBOLS, url=url, timeout_s=0.3) as (worker,),
    ):
        await wait_until(lambda: worker.batch_size <= 2)  # after half of ten, and half of that
        gate.set()
        await forecasts(store, 10)
    assert sampler.asked.count(10) <= 1  # none, if the time was over before the service had read them
    assert max(size for size in sampler.asked if size < 10) <= 5


async def test_what_is_no_forecast_service_is_an_outage(refreshing, store, histories, redis_url):
    """The port of the Redis server speaks, but no HTTP."""
    address = redis_url.removeprefix("redis://").partition("/")[0]
    async with refreshing(histories, symbols=SYMBOLS, url=f"http://{address}") as (worker,):
        await failures(store, 1)
        await wait_until(lambda: worker.attempts.probing)
        assert worker.attempts.failing == 0

"""The refresher end to end: a real server, a real forecast service, a real source of bars."""

from __future__ import annotations

import pytest
from pydantic_core import from_json

from maf_core import parse_bar
from maf_core.streams import codec, raw
from maf_core.streams.quiet import until_quiet
from maf_core.testing import wait_until
from maf_plugin_kronos.refresher import GROUP
from maf_plugin_kronos.store import EMITTED, HEARTBEAT

BARS = "test:bars:1d"


def known(bar) -> str:
    return parse_bar(bar).as_of.isoformat()


async def emitted(redis) -> list[dict]:
    return [codec.decode(fields) for _, fields in raw.entries(await redis.xrange(EMITTED))]


async def cached(store, symbol="AAPL") -> dict | None:
    return (await store.cached([(symbol, "1d")]))[0]


async def until_cached(store, bar) -> dict:
    async def current():
        found = await cached(store)
        return found if found and found["as_of"] == known(bar) else None

    return await wait_until(current)


async def test_a_new_bar_makes_a_forecast_before_it_is_acknowledged(refreshing, redis, store, feed, make_bars):
    bars = make_bars(45, drift=0.02)
    await feed(bars[:40])
    async with refreshing(parse_bar(bars[39]).as_of):
        await until_cached(store, bars[39])
        for bar in bars[40:]:
            await feed([bar])
            await until_quiet(redis)
            forecast = await cached(store)
            assert forecast["as_of"] == forecast["asof"] == known(bar)
            assert forecast["last_close"] == bar["c"]
    assert forecast["backend"] == "bootstrap"
    assert forecast["direction"] == "UP"
    assert forecast["prob_up"] > 0.9
    assert len(forecast["steps"]) == forecast["horizon"] == 5
    (first,) = await emitted(redis)
    assert first["as_of"] == known(bars[39])
    assert first["prob_up_delta"] == pytest.approx(first["prob_up"] - 0.5)
    assert await store.totals() == {"forecasts": 6, "failures": 0, "emitted": 1}


async def test_a_new_bar_of_a_symbol_nobody_watches_changes_nothing(refreshing, redis, store, feed, make_bars):
    bars = make_bars(40, symbol="MSFT")
    async with refreshing(parse_bar(bars[-1]).as_of):
        await feed(bars)
        await until_quiet(redis)
    assert await cached(store, "MSFT") is None
    assert (await store.totals())["forecasts"] == 0


async def test_forecasts_are_the_same_whoever_makes_them_and_whenever(refreshing, redis, store, feed, make_bars):
    bars = make_bars(40)
    found = []
    for _ in range(2):
        await redis.flushall()
        await feed(bars)
        async with refreshing(parse_bar(bars[-1]).as_of):
            found.append(await until_cached(store, bars[-1]) | {"latency_ms": 0})
    assert found[0] == found[1]


async def test_the_future_is_not_forecast_from(refreshing, redis, store, feed, make_bars):
    bars = make_bars(45)
    await feed(bars)
    async with refreshing(parse_bar(bars[40]).as_of):
        forecast = await until_cached(store, bars[40])
    assert forecast["last_close"] == bars[40]["c"]


async def test_too_few_bars_are_waited_for(refreshing, redis, store, feed, make_bars):
    bars = make_bars(30)
    async with refreshing(parse_bar(bars[-1]).as_of, min_bars=30):
        await feed(bars[:29])
        await until_quiet(redis)
        assert await cached(store) is None
        await feed(bars[29:])
        await until_quiet(redis)
        assert (await cached(store))["as_of"] == known(bars[29])


async def test_entries_that_come_again_make_nothing_again(refreshing, redis, store, feed, make_bars):
    bars = make_bars(44, drift=0.02)
    async with refreshing(parse_bar(bars[0]).as_of):
        await feed(bars)
        await until_quiet(redis)
        before = await store.totals(), await emitted(redis)
        await feed(bars[-2:])
        await redis.xgroup_setid(BARS, GROUP, "0")
        await until_quiet(redis)
        assert (await store.totals(), await emitted(redis)) == before
    assert before[0]["forecasts"] == 15


async def test_a_forecast_cached_by_one_who_died_is_still_emitted(refreshing, redis, store, feed, make_bars):
    bars = make_bars(40)
    orphan = {"symbol": "AAPL", "tf": "1d", "as_of": known(bars[-1]), "prob_up": 0.9, "direction": "UP"}
    await store.save([orphan])
    async with refreshing(parse_bar(bars[0]).as_of):
        await feed(bars)
        await until_quiet(redis)
    assert [entry["prob_up"] for entry in await emitted(redis)] == [0.9]
    assert await store.totals() == {"forecasts": 0, "failures": 0, "emitted": 1}


async def test_two_workers_share_the_bars_and_count_each_forecast_once(refreshing, redis, store, feed, make_bars):
    bars = make_bars(40)
    await feed(bars)
    async with refreshing(parse_bar(bars[-1]).as_of, workers=2):
        await until_cached(store, bars[-1])
    assert (await store.totals())["forecasts"] == 1


async def test_bad_bars_go_to_the_dead_letters_and_stop_nothing(refreshing, redis, store, feed, make_bars):
    bars = make_bars(30)
    async with refreshing(parse_bar(bars[0]).as_of):
        await redis.xadd(BARS, {"data": b'{"symbol": "AAPL"}'})
        await feed(bars)
        await until_quiet(redis)
        assert (await cached(store))["as_of"] == known(bars[-1])
    assert await redis.xlen("maf:dead") == 1


async def test_refused_bars_are_not_sent_again_until_there_is_a_new_one(refreshing, redis, store, feed, make_bars):
    bars = make_bars(10)
    async with refreshing(parse_bar(bars[0]).as_of, min_bars=8):
        await feed(bars[:8])
        await feed(bars[7:8] * 3)
        await until_quiet(redis)
        assert (await store.totals())["failures"] == 1
        await feed(bars[8:])
        await until_quiet(redis)
    assert await store.totals() == {"forecasts": 1, "failures": 2, "emitted": len(await emitted(redis))}


async def test_the_heartbeat_says_who_is_watched_and_ends_with_the_worker(refreshing, redis, store, feed, make_bars):
    bars = make_bars(40)
    async with refreshing(parse_bar(bars[0]).as_of, timeframes=["1d", "5min"], cadence_s={"5min": 20}):
        beat = from_json(await wait_until(lambda: redis.get(HEARTBEAT)))
        assert beat["timeframes"] == ["1d", "5min"]
        assert (beat["watched"], beat["min_cadence_s"], beat["failing"]) == (1, 20, 0)
        assert 170 < await redis.ttl(HEARTBEAT) <= 180
    assert await redis.get(HEARTBEAT) is None

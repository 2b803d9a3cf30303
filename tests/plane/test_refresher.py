"""The base of refreshers: what is watched is refreshed at its cadence, or when there is news."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from pydantic_core import from_json

from maf_core import NotUsableError, RefreshError, Target
from maf_core.plane.watch import WatchList
from maf_core.tasks import cancelled
from maf_core.testing import running, wait_until

HEARTBEAT = "maf:refresher:scripted:heartbeat"


async def test_what_is_watched_is_refreshed_again_and_again_within_its_cadence(refresher, watch):
    await watch("AAPL", "MSFT")
    worker = refresher(cadence=0.3)
    async with running(worker):
        await wait_until(lambda: min(worker.times["AAPL"], worker.times["MSFT"]) >= 4)
    for symbol in ("AAPL", "MSFT"):
        times = [at for at, target in worker.calls if target.id == symbol]
        assert times[-1] - times[0] >= 0.8 * 0.8 * 0.3 * (len(times) - 1)


async def test_only_its_kind_and_only_while_it_is_watched(refresher, redis, watch):
    await watch("AAPL", "GOOG")
    await WatchList(redis).add("Q1", "question", 600)
    worker = refresher(cadence=0.02)
    async with running(worker):
        await wait_until(lambda: worker.times["GOOG"] >= 2)
        await WatchList(redis).remove("GOOG", "symbol")
        await wait_until(lambda: not worker.watches("GOOG"))
        before = worker.times["GOOG"]
        await watch("NEW")
        await wait_until(lambda: worker.times["NEW"] >= 3)
    assert worker.times["GOOG"] <= before + 1  # one may have been under way
    assert worker.times.keys() == {"AAPL", "GOOG", "NEW"}
    assert len(worker.schedule) == 2


async def test_a_target_may_have_variants_and_each_has_its_own_cadence(refresher, watch):
    class Framed(type(refresher())):
        def targets(self, watched):
            return [Target(watched.target_id, tf, watched.attrs) for tf in watched.attrs["timeframes"]]

        def cadence_s(self, target):
            return {"1h": 0.05, "1d": 60.0}[target.variant]

    await watch("AAPL", timeframes=["1h", "1d"])
    await watch("MSFT", timeframes=["1d"])
    worker = refresher()
    worker.__class__ = Framed
    async with running(worker):
        await wait_until(lambda: worker.times["AAPL:1h"] >= 3)
    assert worker.times.keys() == {"AAPL:1h", "AAPL:1d", "MSFT:1d"}
    assert worker.times["AAPL:1d"] == worker.times["MSFT:1d"] == 1


async def test_it_is_as_of_the_services_time(refresher, watch, clock):
    await watch("AAPL")
    worker = refresher()
    async with running(worker):
        await wait_until(lambda: worker.calls)
    assert worker.calls[0][1].as_of == clock.now


async def test_news_is_taken_up_at_once_due_or_not_watched_or_not(refresher, watch):
    moment = datetime(2024, 1, 2, tzinfo=UTC)
    await watch("AAPL")
    worker = refresher()
    async with running(worker):
        await wait_until(lambda: worker.calls)
        assert await worker.refresh_now(Target("AAPL", as_of=moment))
        assert await worker.refresh_now(Target("OTHER", as_of=moment + timedelta(days=1)))
    assert [target.as_of for _, target in worker.calls[1:]] == [moment, moment + timedelta(days=1)]
    assert await worker.refresh_now(Target("AAPL"))  # whether it runs or not


async def test_news_waits_for_whoever_is_at_the_target(refresher):
    begun, may_end, order = asyncio.Event(), asyncio.Event(), []

    async def slow(target):
        begun.set()
        await may_end.wait()
        order.append("first")

    async def quick(target):
        order.append("second")

    first = asyncio.create_task(refresher(slow).refresh_now(Target("AAPL")))
    await begun.wait()
    second = asyncio.create_task(refresher(quick).refresh_now(Target("AAPL")))
    assert await refresher(quick).refresh_now(Target("MSFT"))
    may_end.set()
    assert await first
    assert await second
    assert order == ["second", "first", "second"]


async def test_news_does_not_break_a_backoff_unless_it_may_cure_what_was_wrong(refresher):
    async def fails(target):
        raise (NotUsableError if target.id == "INPUT" else RefreshError)("no")

    worker = refresher(fails, backoff_s=60.0)
    for _ in range(3):
        assert not await worker.refresh_now(Target("INPUT"))
        assert not await worker.refresh_now(Target("OTHER"))
    assert worker.times == {"INPUT": 3, "OTHER": 1}
    assert worker.attempts.counts == {"failed": 4, "backing_off": 2}


async def test_what_was_begun_is_finished_when_it_is_told_to_stop(refresher, watch):
    begun, may_end, ended = asyncio.Event(), asyncio.Event(), []

    async def slow(target):
        begun.set()
        await may_end.wait()
        ended.append(target.id)

    await watch("AAPL")
    stop = asyncio.Event()
    task = asyncio.create_task(refresher(slow).run(stop))
    await begun.wait()
    stop.set()
    await asyncio.sleep(0)
    assert not task.done()
    may_end.set()
    await asyncio.wait_for(task, 30)
    assert ended == ["AAPL"]


async def test_a_worker_that_is_cancelled_frees_its_targets_at_once(refresher, watch):
    begun = asyncio.Event()

    async def slow(target):
        begun.set()
        await asyncio.Event().wait()

    await watch("AAPL")
    task = asyncio.create_task(refresher(slow, lease_s=60.0).run(asyncio.Event()))
    await begun.wait()
    await cancelled([task])
    heir = refresher(lease_s=60.0)
    async with running(heir):
        await wait_until(lambda: heir.calls)


async def test_the_heartbeat_says_what_is_watched_and_what_came_of_it(refresher, watch, redis):
    class Telling(type(refresher())):
        async def status(self):
            return {"mood": "good"}

    await watch("AAPL", "MSFT")
    worker = refresher(cadence=100.0)
    worker.__class__ = Telling
    async with running(worker):
        beat = from_json(await wait_until(lambda: redis.get(HEARTBEAT)))
        await wait_until(lambda: len(worker.calls) == 2)
        assert datetime.fromisoformat(beat["ts"]).tzinfo
        assert (beat["watched"], beat["failing"], beat["mood"]) == (2, 0, "good")
        assert 290 < await redis.ttl(HEARTBEAT) <= 300
    assert await redis.get(HEARTBEAT) is None
    assert worker.attempts.counts == {"refreshed": 2}


async def test_who_stops_leaves_the_heartbeat_of_who_goes_on(refresher, redis):
    async with running(refresher()):
        await wait_until(lambda: redis.get(HEARTBEAT))
        await redis.set(HEARTBEAT, b"of another")
    assert await redis.get(HEARTBEAT) == b"of another"


async def test_one_that_implements_neither_way_says_so(make_context, watch, caplog):
    from maf_core import Refresher

    class Empty(Refresher):
        name = "empty"

        def cadence_s(self, target):
            return 1.0

    with pytest.raises(NotImplementedError, match="Empty implements neither refresh nor refresh_many"):
        await Empty(make_context()).refresh(Target("AAPL"))

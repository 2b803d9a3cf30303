import asyncio
from datetime import UTC, datetime, timedelta
from math import inf

import pytest
from pydantic_core import from_json
from redis.exceptions import ResponseError

from maf_core import ConsumerWorker, parse_bar
from maf_core.clock import HOLD_SECONDS, ServiceClock
from maf_core.streams.codec import decode
from maf_core.streams.connect import connect
from maf_core.streams.consume import NEW_ONLY
from maf_core.streams.names import CLOCK
from maf_core.testing import running, wait_until
from maf_plugin_trtools2.replay import Replay
from maf_plugin_trtools2.replay_clock import ReplayClock

STREAM = "trtools2:bars:1d"
MONDAY = datetime(2020, 1, 6, 5, tzinfo=UTC)


def bars(count: int) -> list:
    row = {"symbol": "A", "o": 10, "h": 11, "l": 9, "c": 10, "v": 100}
    return [parse_bar(row | {"t": MONDAY + timedelta(days=day)}, "1d") for day in range(count)]


async def on_stream(redis) -> list[dict]:
    return [decode(fields) for _, fields in await redis.xrange(STREAM)]


async def clock_says(redis) -> dict | None:
    held = await redis.get(CLOCK)
    return from_json(held) if held else None


class Listener(ConsumerWorker):
    """Handles each bar only when it is let, and notes what it saw of the world by then."""

    def __init__(self, context) -> None:
        super().__init__(context.consumer("test", [STREAM], start=NEW_ONLY))
        self.redis = context.redis
        self.may_go_on = asyncio.Event()
        self.seen: list[tuple[str, str, int]] = []

    async def handle(self, entry) -> None:
        now = (await clock_says(self.redis))["now"]
        await self.may_go_on.wait()
        self.seen.append((entry.payload["as_of"], now, await self.redis.xlen(STREAM)))


@pytest.fixture
def replay(redis):
    """Make a replay of some bars; what it says and shows is kept on it."""

    def make(count: int, **options) -> Replay:
        said, shown = [], []
        made = Replay(
            redis,
            STREAM,
            bars(count),
            stop=options.pop("stop", asyncio.Event()),
            say=said.append,
            show=options.pop("show", lambda played, newest: shown.append((played, newest.as_of))),
            **options,
        )
        made.said, made.shown = said, shown
        return made

    return make


@pytest.mark.parametrize("speed", [inf, 5000.0, "lockstep"])
async def test_every_speed_plays_every_bar_in_order_and_releases_the_clock(redis, replay, speed):
    run = replay(1203)
    await run.run(speed)
    assert run.played == 1203
    assert await on_stream(redis) == [bar.payload() for bar in bars(1203)]
    assert run.shown[-1] == (1203, bars(1203)[-1].as_of)
    assert await clock_says(redis) is None


async def test_so_many_bars_a_second_and_not_more(replay):
    now = asyncio.get_running_loop().time
    times: list[tuple[int, float]] = []
    started = now()
    await replay(7, show=lambda played, _: times.append((played, now()))).run(60.0)
    assert times[-1][0] == 7
    assert all(at - started >= (played - 1) / 60 - 1e-6 for played, at in times)


@pytest.mark.needs("one server")
async def test_in_lockstep_the_clock_moves_before_the_bar_comes(redis, redis_url, replay):
    async with connect(redis_url) as other, other.monitor() as watch:
        await replay(3).run("lockstep")
        await redis.set("done", 1)
        seen = []
        async for command in watch.listen():
            words = command["command"].split()
            if words[:2] == ["SET", "done"]:
                break
            if words[:2] == ["SET", CLOCK] or words[:2] == ["XADD", STREAM]:
                seen.append(words[0])
    assert seen == ["SET", "XADD"] * 3


async def test_a_slow_replay_holds_the_clock_and_can_be_stopped_between_two_bars(redis, replay):
    stop = asyncio.Event()
    run = replay(5, stop=stop)
    task = asyncio.create_task(run.run(0.001))
    await wait_until(lambda: run.played == 1)
    held = await clock_says(redis)
    assert held == {"now": "2020-01-06T21:00:00+00:00", "played": 1, "total": 5, "symbol": "A"}
    assert 0 < await redis.ttl(CLOCK) <= HOLD_SECONDS
    stop.set()
    await task
    assert (run.played, len(await on_stream(redis))) == (1, 1)
    assert await clock_says(redis) is None


async def test_lockstep_waits_for_a_slow_consumer_and_says_for_whom(redis, replay, make_context):
    listener = Listener(make_context())
    run = replay(4, patience_s=0.02)
    async with running(listener):
        task = asyncio.create_task(run.run("lockstep"))
        await wait_until(lambda: run.said)
        assert "group test on trtools2:bars:1d" in run.said[0]
        assert (run.played, listener.seen) == (1, [])
        listener.may_go_on.set()
        await task
    whens = [bar.as_of.isoformat() for bar in bars(4)]
    # Each bar was handled while the clock stood at its own time, and before the next one was on the stream.
    assert listener.seen == [(when, when, number) for number, when in enumerate(whens, start=1)]


async def test_lockstep_stops_while_it_waits(redis, replay, make_context):
    listener = Listener(make_context())
    await listener.prepare()  # a group whose consumer never comes
    stop = asyncio.Event()
    run = replay(4, stop=stop)
    task = asyncio.create_task(run.run("lockstep"))
    await wait_until(lambda: run.played == 1)
    stop.set()
    await task
    assert run.played == 1
    assert await clock_says(redis) is None


async def test_lockstep_says_once_that_nobody_listens(replay):
    run = replay(3)
    await run.run("lockstep")
    assert len(run.said) == 1
    assert "maf service run" in run.said[0]


@pytest.mark.parametrize("speed", [inf, "lockstep"])
async def test_the_clock_is_released_when_the_server_refuses(redis, replay, speed):
    await redis.set(STREAM, "not a stream")
    run = replay(3)
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await run.run(speed)
    assert run.played == 0
    assert await clock_says(redis) is None


async def test_a_cancelled_replay_releases_the_clock(redis, replay):
    run = replay(3)
    task = asyncio.create_task(run.run(0.001))
    await wait_until(lambda: run.played == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await clock_says(redis) is None


async def test_a_hold_is_renewed_and_never_put_back(redis):
    moments = [bar.as_of for bar in bars(50)]
    async with ReplayClock(redis, renew_s=0.001) as clock:
        for moment in moments:
            await clock.move(moment)
            assert await ServiceClock(redis).now() == moment
        await redis.delete(CLOCK)  # as if it had expired
        await wait_until(lambda: redis.exists(CLOCK))
        assert await ServiceClock(redis).now() == moments[-1]
    assert await ServiceClock(redis).now() > moments[-1]

"""On a cluster one command reads the streams of one slot only: a consumer has a lane for each, and is still one."""

from __future__ import annotations

import asyncio
import time

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from maf_core.streams.cluster import by_slot
from maf_core.streams.connect import connect
from maf_core.streams.publish import publish
from maf_core.streams.quiet import until_quiet
from maf_core.testing import wait_until

STREAMS = ("in", "other", "third", "{in}:beside")


@pytest.fixture
async def redis(cluster_url):
    async with connect(cluster_url) as client:
        await client.flushall()
        yield client


async def put(redis, number: int) -> dict[str, list[str]]:
    """So many entries on each stream; their ids."""
    return {stream: [await publish(redis, stream, {"n": n}) for n in range(number)] for stream in STREAMS}


async def test_the_streams_need_lanes(redis):
    assert sorted(map(sorted, by_slot(redis, STREAMS))) == [["in", "{in}:beside"], ["other"], ["third"]]


async def test_all_entries_are_handled_in_the_order_of_their_stream_one_at_a_time(redis, consumer, consuming, seen):
    ids = await put(redis, 100)
    busy = most = 0

    async def one_by_one(entry):
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        if len(seen) % 10 == 0:
            await redis.ping()
        seen.append(entry)
        busy -= 1

    async with consuming(consumer(streams=STREAMS), one_by_one):
        await until_quiet(redis)
    assert most == 1
    assert {stream: [entry.id for entry in seen if entry.stream == stream] for stream in STREAMS} == ids


async def test_the_lanes_share_the_places(redis, consumer, consuming):
    await put(redis, 20)
    busy, most, full = 0, 0, asyncio.Event()

    async def count(_):
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        if busy == 3:
            full.set()
        await full.wait()  # so that the most is seen
        await redis.ping()
        busy -= 1

    async with consuming(consumer(streams=STREAMS, concurrency=3), count):
        await until_quiet(redis)
    assert most == 3


async def test_stopping_hands_back_what_was_not_begun_in_any_lane(redis, consumer, consuming, seen, note):
    """The other consumer's lease is long: it gets the entries because they were handed back."""
    await put(redis, 5)
    stop = asyncio.Event()
    begun = []

    async def stops(entry):
        begun.append(entry)
        stop.set()

    await consumer("leaving", STREAMS, lease_s=60.0).run(stops, stop)
    assert len(begun) == 1
    async with consuming(consumer("staying", STREAMS, lease_s=60.0), note):
        await until_quiet(redis)
    assert len(seen) == 5 * len(STREAMS) - 1
    assert {entry.deliveries for entry in seen} == {1}


async def test_what_a_dead_consumer_held_is_taken_over_in_every_lane(redis, consumer, consuming, seen, note):
    ids = await put(redis, 3)
    await consumer("dead", STREAMS).create_groups()
    for stream in STREAMS:
        await redis.xreadgroup("g", "dead", {stream: ">"})
    async with consuming(consumer("heir", STREAMS, lease_s=0.2), note):
        await wait_until(lambda: len(seen) == 3 * len(STREAMS))
        await until_quiet(redis)
    assert sorted(entry.id for entry in seen) == sorted(entry_id for found in ids.values() for entry_id in found)
    assert {entry.deliveries for entry in seen} == {2}


async def test_what_waits_in_one_lane_for_another_is_kept(redis, consumer, consuming, seen, note):
    """With one entry at a time, a slow handler in one lane makes the others wait for several leases."""
    streams = STREAMS[:3]
    may_end = asyncio.Event()
    begun = []

    async def slow(entry):
        begun.append(entry)
        await may_end.wait()

    async def all_read() -> bool:
        return all([await redis.xinfo_consumers(stream, "g") for stream in streams])

    async def all_hold() -> bool:
        return all([(await redis.xpending(stream, "g"))["pending"] for stream in streams])

    async with consuming(consumer("slow", streams, lease_s=1.0, block_ms=1000), slow):
        await wait_until(all_read)
        for stream in streams:
            await publish(redis, stream, {"n": 1})
        await wait_until(all_hold)
        since = time.monotonic()
        async with consuming(consumer("eager", streams, lease_s=1.0), note):
            await wait_until(lambda: time.monotonic() - since > 2.5)
        assert seen == []
        assert len(begun) == 1
        may_end.set()
        await until_quiet(redis)
    assert len(begun) == len(streams)


async def test_a_lane_that_loses_its_server_ends_all(redis, consumer, seen):
    await put(redis, 1)

    async def away(_):
        raise RedisConnectionError("gone")

    with pytest.raises(RedisConnectionError):
        await consumer(streams=STREAMS).run(away, asyncio.Event())
    assert len(await redis.xpending_range("in", "g", "-", "+", 10)) == 1

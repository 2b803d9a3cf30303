"""Every entry is handled: in order, again when that failed, and buried with the reason when it never will be."""

from __future__ import annotations

import asyncio

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from maf_core.errors import BadEntryError
from maf_core.streams.consume import FROM_START, NEW_ONLY
from maf_core.streams.publish import publish
from maf_core.streams.quiet import until_quiet
from maf_core.testing import wait_until


async def put(redis, *numbers: int, stream: str = "in") -> list[str]:
    return [await publish(redis, stream, {"n": number}) for number in numbers]


async def test_entries_are_handled_in_order_and_acknowledged(redis, consumer, consuming, seen, note):
    ids = await put(redis, *range(200))
    async with consuming(consumer(), note):
        await until_quiet(redis)
    assert [entry.id for entry in seen] == ids
    assert [entry.payload for entry in seen] == [{"n": number} for number in range(200)]
    assert {(entry.stream, entry.deliveries) for entry in seen} == {("in", 1)}
    assert (await redis.xpending("in", "g"))["pending"] == 0


async def test_an_entry_is_acknowledged_after_its_handler_has_returned(redis, consumer, consuming):
    await put(redis, 1)
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slow(_):
        begun.set()
        await may_end.wait()

    async with consuming(consumer(), slow):
        await begun.wait()
        assert (await redis.xpending("in", "g"))["pending"] == 1
        may_end.set()
        await until_quiet(redis)
    assert (await redis.xpending("in", "g"))["pending"] == 0


@pytest.mark.parametrize(("start", "numbers"), [(FROM_START, [1, 2]), (NEW_ONLY, [2])])
async def test_a_new_group_begins_where_it_was_told(redis, consumer, consuming, seen, note, start, numbers):
    await put(redis, 1)
    consumes = consumer(start=start)
    await consumes.create_groups()
    await put(redis, 2)
    async with consuming(consumes, note):
        await until_quiet(redis)
    assert [entry.payload["n"] for entry in seen] == numbers


async def test_several_streams_and_several_consumers_share_the_work(redis, consumer, consuming, seen, note):
    streams = ("in", "other")
    async with consuming(consumer("c1", streams, batch=1), note), consuming(consumer("c2", streams, batch=1), note):
        ids = await put(redis, *range(30)) + await put(redis, *range(30), stream="other")
        await until_quiet(redis)
    assert sorted(entry.id for entry in seen) == sorted(ids)


async def test_a_consumer_of_nothing_waits_until_it_is_stopped(consumer, consuming, note):
    async with consuming(consumer(streams=()), note) as stop:
        assert not stop.is_set()


async def test_a_handler_that_fails_is_tried_again(redis, consumer, consuming, letters):
    await put(redis, 1, 2)
    tries: list[int] = []

    async def fails_twice(entry):
        tries.append(entry.payload["n"])
        if tries.count(1) < 3:
            raise RuntimeError("not yet")

    async with consuming(consumer(), fails_twice):
        await until_quiet(redis)
    assert tries == [1, 1, 1, 2]
    assert await letters() == []


async def test_what_keeps_failing_is_buried_with_reason_and_origin_and_the_rest_goes_on(
    redis, consumer, consuming, seen, letters
):
    ids = await put(redis, 1, 2)

    async def fails(entry):
        if entry.payload["n"] == 1:
            raise RuntimeError("no luck")
        seen.append(entry)

    consumes = consumer(attempts=2)
    async with consuming(consumes, fails):
        await until_quiet(redis)
    (letter,) = await letters()
    assert letter["reason"] == "its handler failed 2 times: RuntimeError: no luck"
    assert (letter["stream"], letter["entry_id"], letter["group"]) == ("in", ids[0], "g")
    assert letter["fields"] == {"data": '{"n":1}'}
    assert [entry.id for entry in seen] == ids[1:]
    assert consumes.bad_entries == 1


async def test_bad_entries_are_buried_at_once_and_the_rest_goes_on(redis, consumer, consuming, letters):
    tries = []

    async def handler(entry):
        tries.append(entry.payload)
        if "wrong" in entry.payload:
            raise BadEntryError("the entry is wrong")

    for data in (b"{", b"\xff", b"[]", b'{"wrong": 1}', b'{"right": 1}'):
        await redis.xadd("in", {b"data": data})
    async with consuming(consumer(), handler):
        await until_quiet(redis)
    reasons = [letter["reason"] for letter in await letters()]
    assert tries == [{"wrong": 1}, {"right": 1}]
    assert [reason.startswith("the entry cannot be decoded") for reason in reasons] == [True, True, False, False]
    assert reasons[2:] == ["the entry's data is list, not an object", "the entry is wrong"]


async def test_a_server_that_is_away_is_no_fault_of_the_entry(redis, consumer, consuming, seen, note, letters):
    await put(redis, 1)

    async def away(_):
        raise RedisConnectionError("gone")

    with pytest.raises(RedisConnectionError):
        await consumer().run(away, asyncio.Event())
    assert await letters() == []
    async with consuming(consumer("c2"), note):
        await until_quiet(redis)
    assert [entry.payload for entry in seen] == [{"n": 1}]


async def test_entries_are_worked_on_side_by_side(redis, consumer, consuming):
    await put(redis, *range(3))
    together = asyncio.Barrier(3)

    async def meet(_):
        await together.wait()

    async with consuming(consumer(concurrency=3), meet):
        await until_quiet(redis)


async def test_no_more_entries_are_worked_on_at_once_than_allowed(redis, consumer, consuming):
    streams = ("in", "other", "third")
    for stream in streams:
        await put(redis, *range(6), stream=stream)
    busy, most, full = 0, 0, asyncio.Event()

    async def count(_):
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        if busy == 2:
            full.set()
        await full.wait()  # so that the most is seen
        await redis.ping()
        busy -= 1

    async with consuming(consumer(streams=streams, concurrency=2), count):
        await until_quiet(redis)
    assert most == 2


async def test_stopping_finishes_what_was_begun(redis, consumer, consuming, seen):
    await put(redis, *range(3))
    begun = asyncio.Event()

    async def slow(entry):
        begun.set()
        await stop.wait()
        await redis.ping()
        seen.append(entry)

    async with consuming(consumer(), slow) as stop:
        await begun.wait()
    assert [entry.payload["n"] for entry in seen] == [0]
    pending = await redis.xpending_range("in", "g", "-", "+", 10)
    assert len(pending) == 2


async def test_a_consumer_that_leaves_with_nothing_is_forgotten(redis, consumer, consuming, note):
    await put(redis, 1)
    async with consuming(consumer(), note):
        await until_quiet(redis)
    await wait_until(lambda: _without_consumers(redis))


async def _without_consumers(redis) -> bool:
    return await redis.xinfo_consumers("in", "g") == []

"""What a consumer held is not lost when it dies, stops, stalls or loses its connection."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from maf_core.streams import codec
from maf_core.streams.connect import connect
from maf_core.streams.group import forget_consumers
from maf_core.streams.publish import publish
from maf_core.streams.quiet import until_quiet
from maf_core.testing import wait_until


async def leave_behind(redis, number: int) -> str:
    """An entry that a consumer took and will never finish, long ago."""
    async with redis.pipeline(transaction=True) as pipeline:  # nobody else gets it in between
        pipeline.xadd("in", codec.encode({"n": number}))
        pipeline.xreadgroup("g", "ghost", {"in": ">"})
        entry_id, _ = await pipeline.execute()
    await redis.xclaim("in", "g", "ghost", 0, [entry_id], idle=3_600_000, justid=True)
    return entry_id.decode()


async def test_what_a_killed_process_held_is_taken_over_after_the_lease(
    redis_url, redis, consumer, consuming, seen, note, program
):
    entry_id = await publish(redis, "in", {"n": 1})
    async with program("hold.py", redis_url, "doomed") as process:
        assert (await process.stdout.readline()).decode().strip() == entry_id
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
    held_since = time.monotonic()
    async with consuming(consumer("heir", lease_s=0.5), note):
        await wait_until(lambda: seen)
        await until_quiet(redis)
    assert [(entry.id, entry.payload, entry.deliveries) for entry in seen] == [(entry_id, {"n": 1}, 2)]
    assert time.monotonic() - held_since < 30, "long before a lease of 60 s"


async def test_what_a_living_process_holds_is_not_taken(redis, consumer, consuming, seen, note):
    """A handler that takes several leases keeps its entry, while what nobody holds any more is taken over."""
    await publish(redis, "in", {"n": 1})
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slow(_):
        begun.set()
        await may_end.wait()

    async with consuming(consumer("slow", lease_s=1.0), slow):
        await begun.wait()
        began = time.monotonic()
        async with consuming(consumer("eager", lease_s=1.0), note):
            await wait_until(lambda: time.monotonic() - began > 2.5)
            left = await leave_behind(redis, 2)
            await wait_until(lambda: seen)
        assert [entry.id for entry in seen] == [left]
        may_end.set()
        await until_quiet(redis)
    assert [entry.id for entry in seen] == [left]


async def test_what_was_read_but_not_begun_is_handed_back_at_once(redis, consumer, consuming, seen, note):
    """The other consumer's lease is long: it gets the entries because they were handed back."""
    ids = [await publish(redis, "in", {"n": number}) for number in range(3)]
    stop = asyncio.Event()

    async def stops(_):
        stop.set()

    await consumer("leaving", lease_s=60.0).run(stops, stop)
    async with consuming(consumer("staying", lease_s=60.0), note):
        await until_quiet(redis)
    assert [entry.id for entry in seen] == ids[1:]


async def test_what_is_cancelled_is_handed_back_at_once(redis, consumer, consuming, seen, note):
    ids = [await publish(redis, "in", {"n": number}) for number in range(2)]
    begun = asyncio.Event()

    async def endless(_):
        begun.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(consumer("cancelled", lease_s=60.0, concurrency=2).run(endless, asyncio.Event()))
    await begun.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    async with consuming(consumer("staying", lease_s=60.0), note):
        await until_quiet(redis)
    assert sorted(entry.id for entry in seen) == ids


async def test_what_is_handed_on_again_and_again_is_not_given_up(redis, consumer, consuming, letters):
    """Restarting a service in good order, however often, is no fault of the entries that wait."""
    ids = [await publish(redis, "in", {"n": number}) for number in range(8)]
    handled: list[str] = []
    for number in range(8):

        async def one(entry):
            handled.append(entry.id)
            stop.set()

        async def goes_on(before: int = number) -> bool:
            return len(handled) > before or bool(await letters())

        async with consuming(consumer(f"c{number}", lease_s=60.0), one) as stop:
            await wait_until(goes_on)
    assert await letters() == []
    assert handled == ids


async def test_a_consumer_that_comes_back_goes_on_with_what_it_held(redis, consumer, consuming, seen, note):
    """It does not wait for its own lease."""
    entry_id = await publish(redis, "in", {"n": 1})
    await consumer("same").create_groups()
    await redis.xreadgroup("g", "same", {"in": ">"})
    async with consuming(consumer("same", lease_s=60.0), note):
        await until_quiet(redis)
    assert [entry.id for entry in seen] == [entry_id]


async def die_over_one_entry(redis_url, redis, program, names: list[str]) -> str:
    """Start one consumer after the other until one survives; returns the entry's id."""
    entry_id = await publish(redis, "in", {"n": 1})
    for name in names:
        async with program("die.py", redis_url, name, "0.05") as process:
            if await process.wait() == 0:
                break
    return entry_id


async def test_an_entry_that_kills_whoever_takes_it_is_given_up(redis_url, redis, letters, program):
    entry_id = await die_over_one_entry(redis_url, redis, program, [f"pod-{number}" for number in range(6)])
    (letter,) = await letters()
    assert letter["entry_id"] == entry_id
    assert letter["reason"] == "given up after 3 deliveries: no consumer lived to finish it"


async def test_an_entry_that_kills_the_same_consumer_again_and_again_is_given_up(redis_url, redis, letters, program):
    """In a container the process has the same name after every restart."""
    entry_id = await die_over_one_entry(redis_url, redis, program, ["pod-1"] * 6)
    assert [letter["entry_id"] for letter in await letters()] == [entry_id]


async def test_a_consumer_does_not_take_over_from_itself(redis, consumer, consuming, seen):
    """After a stall of the whole process its entries look abandoned, to itself too."""
    entry_id = await publish(redis, "in", {"n": 1})
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slow(entry):
        seen.append(entry)
        begun.set()
        await may_end.wait()

    async with consuming(consumer("c1", lease_s=0.5, concurrency=2), slow):
        await begun.wait()
        left = await leave_behind(redis, 2)

        async def has_taken_over() -> bool:
            await redis.xclaim("in", "g", "c1", 0, [entry_id], idle=3_600_000, justid=True)
            return len(seen) > 1

        await wait_until(has_taken_over)
        may_end.set()
        await until_quiet(redis)
    assert [entry.id for entry in seen] == [entry_id, left]


def patched(client: Redis, execute: Callable[..., Awaitable[Any]]) -> None:
    """Have the client call `execute(real, *args, **options)` for each command."""
    client.execute_command = partial(execute, client.execute_command)


async def test_what_was_delivered_into_a_broken_connection_is_not_lost(
    redis_url, redis, consumer, consuming, seen, note
):
    """The server has delivered, and the answer never arrives."""
    entry_id = await publish(redis, "in", {"n": 1})

    async def loses_an_answer(real, *args, **options):
        answer = await real(*args, **options)
        if args[0] == "XREADGROUP" and answer:
            raise RedisConnectionError("connection reset by peer")
        return answer

    async with connect(redis_url) as client:
        patched(client, loses_an_answer)
        with pytest.raises(RedisConnectionError):
            await consumer("unlucky", client=client).run(note, asyncio.Event())
    async with consuming(consumer("heir", lease_s=0.1), note):
        await until_quiet(redis)
    assert [entry.id for entry in seen] == [entry_id]


async def test_what_is_delivered_while_a_consumer_leaves_is_not_lost(redis_url, redis, consumer, consuming, seen, note):
    """A read that was cut short is answered just before the consumer is removed."""
    reading, stop = asyncio.Event(), asyncio.Event()

    async def delivers_late(real, *args, **options):
        if args[0] == "XREADGROUP":
            reading.set()
        if args[0] == "EVALSHA" and stop.is_set() and not await redis.xlen("in"):
            await publish(redis, "in", {"n": 1})
            await redis.xreadgroup("g", "leaving", {"in": ">"})
        return await real(*args, **options)

    async with connect(redis_url) as client:
        patched(client, delivers_late)
        running = asyncio.create_task(consumer("leaving", client=client).run(note, stop))
        await reading.wait()
        stop.set()
        await running
    assert seen == []
    assert [row["consumer"] for row in await redis.xpending_range("in", "g", "-", "+", 10)] == [b"leaving"]
    async with consuming(consumer("heir", lease_s=0.1), note):
        await until_quiet(redis)
    assert [entry.payload for entry in seen] == [{"n": 1}]


async def test_whoever_is_cancelled_while_it_leaves_a_server_that_is_away_leaves_no_error_behind(
    redis_url, consumer, note
):
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    reading, leaving, away = asyncio.Event(), asyncio.Event(), asyncio.Event()
    errors: list[str] = []
    loop.set_exception_handler(lambda _, context: errors.append(context["message"]))

    async def goes_away(real, *args, **options):
        if args[0] == "XREADGROUP":
            reading.set()
        if args[0] == "EVALSHA" and stop.is_set():
            leaving.set()
            await away.wait()
            raise RedisConnectionError("connection reset by peer")
        return await real(*args, **options)

    async with connect(redis_url) as client:
        patched(client, goes_away)
        before = asyncio.all_tasks()
        running = asyncio.create_task(consumer("leaving", client=client).run(note, stop))
        await reading.wait()
        stop.set()
        await leaving.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        away.set()
        await wait_until(lambda: asyncio.all_tasks() == before)
    gc.collect()
    assert errors == []


async def test_what_was_trimmed_before_it_was_handled_is_not_handled_as_empty(redis, consumer, consuming, seen, note):
    gone = await publish(redis, "in", {"n": 1})
    kept = await publish(redis, "in", {"n": 2})
    await consumer("same").create_groups()
    await redis.xreadgroup("g", "same", {"in": ">"})
    await redis.xdel("in", gone)
    async with consuming(consumer("same"), note):
        await until_quiet(redis)
    assert [(entry.id, entry.payload) for entry in seen] == [(kept, {"n": 2})]


async def test_consumers_that_are_gone_are_forgotten_unless_they_hold_something(redis):
    await publish(redis, "in", {"n": 1})
    await redis.xgroup_create("in", "g", "0")
    await redis.xreadgroup("g", "holds", {"in": ">"})
    await redis.xgroup_createconsumer("in", "g", "gone")
    assert await forget_consumers(redis, "in", "g", idle_s=3600) == 0
    assert await forget_consumers(redis, "in", "g", idle_s=0) == 1
    assert [consumer["name"] for consumer in await redis.xinfo_consumers("in", "g")] == [b"holds"]


async def test_a_group_whose_stream_was_deleted_has_nobody_to_forget(redis):
    assert await forget_consumers(redis, "deleted", "g", idle_s=0) == 0

"""An entry that somebody else of the process takes for a consumer is handled as one that the consumer has read."""

from __future__ import annotations

import asyncio

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from maf_core.streams import codec
from maf_core.streams.group import Delivery
from maf_core.streams.publish import publish
from maf_core.streams.quiet import until_quiet
from maf_core.streams.raw import by_stream
from maf_core.testing import wait_until


@pytest.fixture
def consumer(consumer):
    """One that leaves a place for what others take for it."""
    return lambda name="c1", concurrency=2: consumer(name, concurrency=concurrency, spare=concurrency - 1)


@pytest.fixture
def take(redis):
    """Publish an entry on `in` and take it for the consumer, in one step, before anybody can read it."""

    async def ask(group: str, name: str) -> tuple[str, Delivery]:
        async with redis.pipeline(transaction=True) as pipeline:
            pipeline.xadd("in", codec.encode({"n": 1}))
            pipeline.xreadgroup(group, name, {"in": ">"}, count=1)
            _, answer = await pipeline.execute()
        ((stream, ((entry_id, fields),)),) = by_stream(answer)
        return "taken", Delivery(stream, entry_id, fields)

    return ask


async def nothing(group: str, name: str) -> tuple[str, None]:
    return f"{group}/{name}", None


async def asked(consumer, ask) -> str:
    """What `ask` says, once the consumer has begun."""

    async def answer():
        return await consumer.take_in("in", ask)

    return await wait_until(answer)


async def test_it_is_handled_and_acknowledged(redis, consumer, consuming, seen, note, take):
    consumes = consumer()
    async with consuming(consumes, note):
        assert await asked(consumes, take) == "taken"
        await until_quiet(redis)
    assert [(entry.payload, entry.deliveries) for entry in seen] == [({"n": 1}, 1)]
    assert (await redis.xpending("in", "g"))["pending"] == 0


async def test_whoever_asks_does_not_wait_for_the_handler(consumer, consuming, take):
    consumes, may_end = consumer(), asyncio.Event()

    async def slow(_):
        await may_end.wait()

    async with consuming(consumes, slow):
        assert await asked(consumes, take) == "taken"
        may_end.set()


async def test_the_consumer_is_asked_for_by_its_group_and_name(consumer, consuming, note):
    consumes = consumer("someone")
    async with consuming(consumes, note):
        assert await asked(consumes, nothing) == "g/someone"


async def test_nothing_is_asked_of_one_that_does_not_run(consumer, consuming, note, take):
    consumes = consumer()
    assert await consumes.take_in("in", take) is None
    async with consuming(consumes, note):
        await asked(consumes, nothing)
        assert await consumes.take_in("other", take) is None
    assert await consumes.take_in("in", take) is None


async def test_nothing_is_asked_while_no_place_is_to_spare(redis, consumer, consuming, take):
    consumes, begun, may_end = consumer(), [], asyncio.Event()

    async def slow(entry):
        begun.append(entry.id)
        await may_end.wait()

    async with consuming(consumes, slow):
        assert await asked(consumes, take) == "taken"
        await wait_until(lambda: begun)
        assert await consumes.take_in("in", take) is None  # the other place is for what is read
        await publish(redis, "in", {"n": 0})
        await wait_until(lambda: len(begun) == 2)
        assert await consumes.take_in("in", take) is None
        may_end.set()
        await until_quiet(redis)
        assert await asked(consumes, take) == "taken"
    assert len(begun) == 3


async def test_of_one_that_keeps_the_order_nothing_is_asked(redis, consumer, consuming, seen, note, take):
    consumes = consumer(concurrency=1)
    async with consuming(consumes, note):
        await publish(redis, "in", {"n": 0})
        await wait_until(lambda: seen)
        assert await consumes.take_in("in", take) is None


async def test_what_was_begun_is_finished_before_it_stops(redis, consumer, consuming, seen, note):
    consumes, may_answer, asking = consumer(), asyncio.Event(), asyncio.Event()
    entry_id = ""

    async def late(group: str, name: str) -> tuple[str, Delivery]:
        nonlocal entry_id
        asking.set()
        await may_answer.wait()
        entry_id = (await redis.xadd("late", codec.encode({"n": 2}))).decode()
        return "late", Delivery("in", entry_id, codec.encode({"n": 2}))

    async with consuming(consumes, note) as stop:
        taking = asyncio.create_task(asked(consumes, late))
        await asking.wait()
        stop.set()
        may_answer.set()
        assert await taking == "late"
    assert [entry.id for entry in seen] == [entry_id]


async def test_an_asker_that_is_cancelled_takes_nothing_back(redis, consumer, consuming, seen, note, take):
    consumes, asking = consumer(), asyncio.Event()

    async def take_slowly(group: str, name: str) -> tuple[str, Delivery]:
        asking.set()
        return await take(group, name)

    async with consuming(consumes, note):
        taking = asyncio.create_task(asked(consumes, take_slowly))
        await asking.wait()
        taking.cancel()
        await wait_until(lambda: seen)
        await until_quiet(redis)
    assert (await redis.xpending("in", "g"))["pending"] == 0


async def test_what_was_taken_when_the_connection_broke_is_found_again(redis, consumer, consuming, seen, note, take):
    """The consumer ends, as it does when reading fails, and finds it among its own when it begins anew."""

    async def breaks(group: str, name: str) -> tuple[str, Delivery]:
        await take(group, name)
        raise RedisConnectionError("cut")

    consumes = consumer()
    await consumes.create_groups()
    running = asyncio.create_task(consumes.run(note, asyncio.Event()))
    for raised in (asked(consumes, breaks), running):
        with pytest.raises(RedisConnectionError, match="cut"):
            await raised
    assert seen == []
    async with consuming(consumes, note):
        await until_quiet(redis)
    assert [entry.payload for entry in seen] == [{"n": 1}]


async def test_whoever_asks_one_that_ends_is_told(consumer, note):
    consumes, asking = consumer(concurrency=3), asyncio.Event()
    await consumes.create_groups()

    async def hangs(group: str, name: str) -> tuple[str, None]:
        asking.set()
        await asyncio.Event().wait()
        return "never", None

    async def breaks(group: str, name: str) -> tuple[str, None]:
        raise RedisConnectionError("cut")

    running = asyncio.create_task(consumes.run(note, asyncio.Event()))
    taking = asyncio.create_task(asked(consumes, hangs))
    await asking.wait()
    for raised, words in ((asked(consumes, breaks), "cut"), (taking, "ended meanwhile"), (running, "cut")):
        with pytest.raises(RedisConnectionError, match=words):
            await raised

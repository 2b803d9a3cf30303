"""Quiet means that everything which followed from what was put in has happened."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from redis.asyncio import Redis

from maf_core.streams.publish import publish
from maf_core.streams.quiet import backlogs, until_quiet
from maf_core.testing import wait_until

STREAMS = ("a", "b", "c")


class OneByOne:
    """A pipeline whose commands lie on different servers: other things happen between them."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.streams: list[str] = []

    def xinfo_groups(self, stream: str) -> None:
        """Ask for the groups of a stream."""
        self.streams.append(stream)

    async def execute(self, *, raise_on_error: bool) -> list:
        """Answer one after the other."""
        answers = []
        for stream in self.streams:
            for _ in range(random.randrange(4)):
                await self.redis.ping()
            answers.append(await self.redis.xinfo_groups(stream))
        return answers


class Apart:
    """A client that sees no two streams at the same moment, as on a cluster."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis

    def __getattr__(self, name: str) -> Any:
        return getattr(self.redis, name)

    def pipeline(self, transaction: bool = False) -> OneByOne:
        """Commands that are not one step."""
        return OneByOne(self.redis)


@pytest.mark.parametrize("order", [("a", "b", "c"), ("c", "b", "a"), ("b", "c", "a")], ids="".join)
async def test_quiet_never_comes_early_in_a_chain(redis, consumer, consuming, order):
    """Entries go round and round the streams, each as often as it says, while looks go over them from a to c."""
    handled = 0
    following = dict(zip(order, (*order[1:], order[0]), strict=True))

    async def pass_on(entry):
        nonlocal handled
        hops = entry.payload["hops"]
        for _ in range(random.randrange(3)):  # be caught at any point
            await redis.ping()
        if hops:
            await publish(redis, following[entry.stream], {"hops": hops - 1})
        handled += 1

    chain = [consumer(stream, (stream,), concurrency=random.choice((1, 2))) for stream in STREAMS]
    async with consuming(chain[0], pass_on), consuming(chain[1], pass_on), consuming(chain[2], pass_on):
        for _ in range(120):
            handled, expected = 0, 0
            for _ in range(random.randrange(1, 4)):
                hops = random.randrange(12)
                expected += hops + 1
                await publish(redis, random.choice(STREAMS), {"hops": hops})
            await until_quiet(Apart(redis))
            assert handled == expected


async def test_quiet_is_at_once_when_nobody_listens(redis):
    await publish(redis, "in", {"n": 1})
    await until_quiet(redis)
    assert await backlogs(redis) == []


async def test_what_waits_and_what_is_in_work_is_not_quiet(redis, consumer, consuming):
    await consumer("c1").create_groups()
    await publish(redis, "in", {"n": 1})
    assert [backlog.undelivered for backlog in await backlogs(redis)] == [1]
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slow(_):
        begun.set()
        await may_end.wait()

    async with consuming(consumer("c1"), slow):
        await begun.wait()
        (backlog,) = await backlogs(redis)
        assert (backlog.stream, backlog.group, backlog.undelivered, backlog.pending) == ("in", "g", 0, 1)
        assert not backlog.idle
        may_end.set()
        await until_quiet(redis)


async def test_waiting_tells_for_whom(redis, consumer, consuming, note):
    await consumer("c1").create_groups()
    await publish(redis, "in", {"n": 1})
    told = []
    waiting = asyncio.create_task(until_quiet(redis, told.append))
    await wait_until(lambda: told)
    assert [(busy.stream, busy.group) for busy in told[0]] == [("in", "g")]
    assert not waiting.done()
    async with consuming(consumer("c1"), note):
        await waiting


async def test_a_group_on_a_stream_that_lost_entries_is_still_counted(redis, consumer, consuming, seen, note):
    """The server cannot count what waits behind a deleted entry."""
    await consumer("c1").create_groups()
    ids = [await publish(redis, "in", {"n": number}) for number in range(4)]
    await redis.xdel("in", ids[1])
    assert [backlog.idle for backlog in await backlogs(redis)] == [False]
    async with consuming(consumer("c1"), note):
        await until_quiet(redis)
        assert [entry.id for entry in seen] == [ids[0], *ids[2:]]


async def test_a_stream_that_was_deleted_has_nothing_left_to_do(redis, consumer):
    await consumer("c1").create_groups()
    await publish(redis, "in", {"n": 1})
    await redis.delete("in")
    await until_quiet(redis)


async def test_groups_that_are_not_ours_do_not_count(redis):
    await publish(redis, "in", {"n": 1})
    await redis.xgroup_create("in", "somebody else's", "0")
    await until_quiet(redis)
    assert await backlogs(redis) == []


async def test_a_server_that_has_miscounted_what_was_delivered_does_not_keep_us_waiting(redis, consumer):
    """As Redis 7.0 does after it has read its append-only file."""
    await consumer().create_groups()
    entry_id = [await publish(redis, "in", {"n": n}) for n in range(5)][-1]
    await redis.execute_command("XGROUP", "SETID", "in", "g", entry_id, "ENTRIESREAD", 2)
    (group,) = await redis.xinfo_groups("in")
    assert group["lag"] == 3
    async with asyncio.timeout(30):
        await until_quiet(redis)
    await publish(redis, "in", {"n": 5})
    (backlog,) = await backlogs(redis)
    assert not backlog.idle

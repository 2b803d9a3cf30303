"""A process that was stopped for longer than the lease leaves alone what others have taken over meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from functools import partial

import pytest

from maf_core.streams.ids import is_id
from maf_core.streams.publish import publish
from maf_core.streams.quiet import until_quiet
from maf_core.testing import wait_until

# Longer than a busy machine keeps those from their work who are not stopped here.
LEASE = 2.0
SHORT = 0.3


async def read_id(process) -> str:
    """The next entry that the process says it began, between what it logs."""
    while not is_id(line := (await process.stdout.readline()).decode().strip()):
        assert line, "the process has ended"
    return line


async def holders(redis) -> dict[str, str]:
    """Who holds which entry."""
    rows = await redis.xpending_range("in", "g", "-", "+", 100)
    return {row["message_id"].decode(): row["consumer"].decode() for row in rows}


async def renewed(redis, entry_id: str, times: int) -> None:
    """Return when the entry's idle time has been reset so often."""
    idle, seen = 0, 0

    async def often_enough() -> bool:
        nonlocal idle, seen
        (row,) = await redis.xpending_range("in", "g", entry_id, entry_id, 1)
        before, idle = idle, row["time_since_delivered"]
        seen += idle < before
        return seen >= times

    await wait_until(often_enough)


@pytest.mark.slow
@pytest.mark.parametrize("payload", [{"n": 1}, {"fails": 1}])
async def test_a_process_that_comes_back_neither_renews_nor_acknowledges_nor_buries_what_is_not_its_own(
    redis_url, redis, consumer, consuming, program, letters, payload
):
    first = await publish(redis, "in", payload)
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def hold(_):
        begun.set()
        await may_end.wait()

    async with program("stall.py", redis_url, str(LEASE)) as process:
        assert await read_id(process) == first
        os.kill(process.pid, signal.SIGSTOP)
        async with consuming(consumer("heir", lease_s=LEASE), hold):
            await begun.wait()
            os.kill(process.pid, signal.SIGCONT)
            second = await publish(redis, "in", {"n": 2})
            assert await read_id(process) == second
            await renewed(redis, second, times=3)
            assert await holders(redis) == {first: "heir", second: "stalls"}
            process.stdin.write(b"\n")
            await process.stdin.drain()
            third = await publish(redis, "in", {"fails": 1})
            await wait_until(letters)
            await wait_until(partial(only_pending, redis, first))
            assert [letter["entry_id"] for letter in await letters()] == [third]
            may_end.set()
            await until_quiet(redis)


async def only_pending(redis, entry_id: str) -> bool:
    return set(await holders(redis)) == {entry_id}


async def test_what_was_taken_over_before_its_turn_is_not_begun(redis, consumer, consuming):
    """The whole process stalls in a handler; what it had read and not begun is done by others."""
    ids = [await publish(redis, "in", {"n": number}) for number in range(3)]
    begun: list[str] = []

    async def stalls(entry):
        begun.append(entry.id)
        if entry.id == ids[0]:
            await redis.xclaim("in", "g", "heir", 0, ids[1:])
            await redis.xack("in", "g", *ids[1:])
            time.sleep(SHORT)  # noqa: ASYNC251 - nothing else of this process runs either

    async with consuming(consumer("stalls", lease_s=SHORT), stalls):
        await wait_until(lambda: begun)
        ids.append(await publish(redis, "in", {"n": 3}))
        await until_quiet(redis)
    assert begun == [ids[0], ids[3]]

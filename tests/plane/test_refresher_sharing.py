"""Refreshers side by side: each target is refreshed by one of them, and by another when that one dies."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from maf_core import Target
from maf_core.testing import running, wait_until
from maf_core.testing.conformance.server import commands_of

PROGRAMS = Path(__file__).parent / "programs"


async def test_several_workers_refresh_each_target_once_in_a_cadence(refresher, watch):
    symbols = [f"S{number}" for number in range(12)]
    await watch(*symbols)
    workers = [refresher(cadence=0.5, concurrency=2) for _ in range(4)]
    async with running(*workers):
        await wait_until(lambda: min(_together(workers).get(symbol, 0) for symbol in symbols) >= 4)
    for symbol in symbols:
        times = sorted(at for worker in workers for at, target in worker.calls if target.id == symbol)
        assert times[-1] - times[0] >= 0.8 * 0.8 * 0.5 * (len(times) - 1), symbol
    assert sum(worker.attempts.counts["leased_elsewhere"] for worker in workers) > 0


async def test_a_target_is_never_refreshed_by_two_at_once(refresher, watch):
    at_work, clashes = set(), []

    async def does(target):
        if target in at_work:
            clashes.append(target)
        at_work.add(target)
        await asyncio.sleep(0.005)
        at_work.discard(target)

    await watch("AAPL", "MSFT")
    workers = [refresher(does, cadence=0.01) for _ in range(3)]
    async with running(*workers):
        news = [worker.refresh_now(Target("AAPL")) for worker in workers for _ in range(10)]
        assert all(await asyncio.gather(*news))
        await wait_until(lambda: _together(workers)["MSFT"] >= 20)
    assert clashes == []


async def test_a_long_refresh_keeps_its_lease(refresher, watch):
    may_end = asyncio.Event()

    async def slow(target):
        await may_end.wait()

    await watch("AAPL")
    holder, other = refresher(slow, lease_s=1.5), refresher(lease_s=1.5)
    async with running(holder):
        await wait_until(lambda: holder.calls)
        async with running(other):
            await wait_until(lambda: other.attempts.counts["leased_elsewhere"] >= 3)  # several leases later
            may_end.set()
    assert other.calls == []


async def test_what_a_killed_worker_held_goes_on_after_the_lease(refresher, watch, redis_url):
    await watch("AAPL")
    async with AsyncExitStack() as stack:
        process = await asyncio.create_subprocess_exec(
            sys.executable, PROGRAMS / "refresh_for_ever.py", redis_url, stdout=asyncio.subprocess.PIPE
        )
        stack.push_async_callback(process.wait)
        stack.callback(_kill, process)
        assert (await process.stdout.readline()).strip() == b"AAPL"
        heir = refresher(lease_s=1.0)
        async with running(heir):
            await wait_until(lambda: heir.attempts.counts["leased_elsewhere"])
            assert heir.calls == []
            _kill(process)
            await wait_until(lambda: heir.calls)


def test_the_services_lease_counts_where_it_is_shorter(refresher, make_context):
    of_service = type(refresher())
    assert of_service(make_context()).lease_s == 15
    assert of_service(make_context(lease_s=1)).lease_s == 1


@pytest.mark.needs("commandstats")
async def test_a_look_costs_the_same_however_much_is_watched(refresher, watch, redis):
    """Two commands in one round trip, while nothing is due."""
    worker = refresher()
    await watch("S0")
    few = await commands_of(redis, worker._look)
    await watch(*(f"S{number}" for number in range(200)))
    assert await commands_of(redis, worker._look) == few == 2


@pytest.mark.needs("commandstats")
async def test_a_batch_costs_two_round_trips_besides_the_refreshing(refresher, redis):
    """One script takes the leases of all, one gives them back; what they do on the server is three commands each."""
    worker = refresher(batch_size=100)
    targets = [Target(f"S{number}") for number in range(100)]
    await worker._batches.due(targets[:1])  # the scripts are known now
    assert await commands_of(redis, lambda: worker._batches.due(targets[1:])) == 2 + 99 * (2 + 2)
    assert len(worker.calls) == 100


def _together(workers) -> Counter[str]:
    return sum((worker.times for worker in workers), Counter())


def _kill(process) -> None:
    if process.returncode is None:
        os.kill(process.pid, signal.SIGKILL)

"""Several processes share the work, and are killed at it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from maf_core.plane.watch import WatchList
from maf_core.testing import wait_until
from maf_plugin_mirofish.store import EMITTED, TOTALS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

PROGRAM = Path(__file__).parent / "programs" / "refresh.py"
G, S, R = "/api/graph", "/api/simulation", "/api/report"
PROCESSES, BUDGET, REPORTS, LEASE_S = 8, 10, 30, 1.0


@pytest.fixture
def refresher(redis_url, mirofish, brisk):
    """A process that runs the refresher; killed in the end."""

    @asynccontextmanager
    async def start(**more):
        patient = {name: 20 for name in brisk if name.endswith("timeout_s") and name != "ontology_timeout_s"}
        times = {"poll_s": 0.1, "deadline_s": 90, "stall_s": 30}
        section = json.dumps({**brisk, **patient, **times, "url": mirofish.url, **more})
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(PROGRAM), redis_url, str(LEASE_S), section, stdout=asyncio.subprocess.PIPE
        )
        try:
            assert await process.stdout.readline() == b"ready\n"
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    return start


async def ended(redis) -> int:
    found = await redis.hgetall(TOTALS)
    return sum(int(found.get(name, 0)) for name in (b"completed", b"failed"))


async def test_eight_processes_begin_ten_simulations_on_a_budget_of_ten(redis, refresher, mirofish, put, spent):
    await WatchList(redis).add("AAPL", "symbol", 1000)
    async with AsyncExitStack() as stack:
        processes = [refresher(daily_budget=BUDGET, max_concurrent=PROCESSES) for _ in range(PROCESSES)]
        await asyncio.gather(*map(stack.enter_async_context, processes))
        for number in range(REPORTS):
            await put(f"r{number}")
        await wait_until(lambda: _at_least(redis, BUDGET), 60)
        await asyncio.sleep(1.0)  # nothing more is to happen
        assert len(mirofish.asked(f"POST {G}/ontology/generate")) == BUDGET
        assert mirofish.paid["run"] == BUDGET
        assert await spent() == BUDGET
    assert await redis.xlen(EMITTED) == BUDGET


async def _at_least(redis, count: int) -> bool:
    return await ended(redis) >= count


ROUTES = [
    f"POST {G}/ontology/generate",
    f"POST {G}/build",
    f"GET {G}/task/*",
    f"POST {S}/create",
    f"POST {S}/prepare",
    f"POST {S}/prepare/status",
    f"POST {S}/start",
    f"GET {S}/*/run-status",
    f"POST {R}/generate",
    f"POST {R}/generate/status",
    f"POST {S}/interview/batch",
    f"POST {S}/close-env",
]


@pytest.mark.parametrize("route", ROUTES)
async def test_killed_in_the_middle_of_a_stage_another_goes_on(redis, refresher, mirofish, put, outcome, spent, route):
    """Killed when MiroFish has done what it was asked for, and before its answer arrives."""
    await WatchList(redis).add("AAPL", "symbol", 1000)
    async with refresher() as first:
        mirofish.when(route, lambda: os.kill(first.pid, signal.SIGKILL))
        await put()
        await first.wait()
        mirofish.when(route, lambda: None)
    async with refresher():
        found = await outcome(timeout_s=60)
    assert found["status"] == "completed"
    assert await redis.xlen(EMITTED) == 1
    assert await spent() == 1
    assert {what: count for what, count in mirofish.paid.items() if count > 1 and what != "interview"} == {}
    assert mirofish.paid["interview"] == found["agents_asked"] == found["answered"]

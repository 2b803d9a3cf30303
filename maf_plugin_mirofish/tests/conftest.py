"""A stand-in for MiroFish on a real port, and an application that asks it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic_core import from_json

from maf_core import AppContext, publish
from maf_core.plane.watch import WatchList
from maf_core.plugins import Candidate, PluginManager
from maf_core.settings import Settings
from maf_core.streams import codec, raw
from maf_core.testing import running, wait_until
from maf_plugin_mirofish import plugin
from maf_plugin_mirofish.budget import DailyBudget
from maf_plugin_mirofish.refresher import MiroFishRefresher
from maf_plugin_mirofish.run_queue import RunQueue
from maf_plugin_mirofish.store import EMITTED, cache_key
from maf_plugin_mirofish.testing import MiroFishServer

REPORTS = "fomo2:reports"
BRISK = {
    "poll_s": 0.005,
    "poll_errors": 2,
    "timeout_s": 5,
    "ontology_timeout_s": 1,
    "prepare_timeout_s": 5,
    "chat_timeout_s": 5,
    "interview_timeout_s": 5,
    "stall_s": 2,
    "deadline_s": 20,
    "backoff_s": 0.01,
    "backoff_limit_s": 0.05,
}


@pytest.fixture
def mirofish() -> Iterator[MiroFishServer]:
    """The stand-in. What the tables of its API do not know must not have been sent to it."""
    with MiroFishServer() as server:
        yield server
    assert server.strays == []


@pytest.fixture
def brisk() -> dict[str, Any]:
    """Settings with which nothing takes long."""
    return dict(BRISK)


@pytest.fixture
def app(redis, mirofish) -> Callable[..., AppContext]:
    """An application with this plugin alone; keywords are its settings."""
    manager = PluginManager.load(candidates=[Candidate("mirofish", "m", "1", module=plugin)])

    def make(lease_s: float = 5.0, **section: Any) -> AppContext:
        chosen = {"url": mirofish.url, **BRISK, **section}
        return AppContext.create(redis, Settings(plugins={"mirofish": chosen}, lease_s=lease_s), manager)

    return make


@pytest.fixture
def simulating(app, redis):
    """Run the refresher, with AAPL and MSFT watched."""

    @asynccontextmanager
    async def run(workers: int = 1, **settings: Any):
        context = app(**settings)
        for symbol in ("AAPL", "MSFT"):
            await WatchList(redis).add(symbol, "symbol", 1000)
        refreshers = [MiroFishRefresher(context) for _ in range(workers)]
        for refresher in refreshers:
            refresher.consumer.options = replace(refresher.consumer.options, block_ms=10)  # notice the end soon
        async with running(*refreshers):
            yield context

    return run


@pytest.fixture
def put(redis) -> Callable[..., Awaitable[str]]:
    """Put a report on the stream."""

    async def publish_report(report_id: str = "r1", **more: Any) -> str:
        report = {"id": report_id, "symbols": ["AAPL"], "title": "Strong quarter", "body": "Sales rose by a third."}
        report |= {"created_at": datetime.now(UTC).isoformat()}
        return await publish(redis, REPORTS, {**report, **more})

    return publish_report


@pytest.fixture
def outcome(redis) -> Callable[..., Awaitable[dict[str, Any]]]:
    """Wait for the outcome of a report, and until everything that follows from it is done."""

    async def cached(report_id: str = "r1", timeout_s: float = 15.0) -> dict[str, Any]:
        queue = RunQueue(redis, REPORTS, 1.0)

        async def settled() -> Any:
            kept = await redis.get(cache_key(report_id))
            return kept if kept and report_id not in await queue.begun() else None

        found: dict[str, Any] = from_json(await wait_until(settled, timeout_s))
        await asyncio.sleep(0)
        return found

    return cached


@pytest.fixture
def emitted(redis) -> Callable[[], Awaitable[list[dict[str, Any]]]]:
    """What stands on the stream of outcomes."""

    async def read() -> list[dict[str, Any]]:
        return [codec.decode(fields) for _, fields in raw.entries(await redis.xrange(EMITTED))]

    return read


@pytest.fixture
def spent(redis) -> Callable[[], Awaitable[int]]:
    """How much of today's budget is taken."""

    async def used() -> int:
        budget = DailyBudget(redis, REPORTS, 10)
        return await budget.used(budget.today())

    return used

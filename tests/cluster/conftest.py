"""Everything here runs on a Redis Cluster of three nodes, whatever engine was chosen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from redis.asyncio import Redis

from maf_core.arenas.config import ArenaConfig
from maf_core.service import Service
from maf_core.streams.connect import connect
from maf_core.testing import wait_until

PROBE = ArenaConfig.model_validate(
    {
        "name": "probe",
        "phases": [{"name": "decide", "agents": [{"name": "synthesis", "role": "synthesis"}]}],
        "triggers": [
            {
                "id": "go",
                "on_stream": "probe:in",
                "when": "payload.go",
                "target": "{payload.symbol}",
                "cooldown_s": 60,
            }
        ],
    }
)


@pytest.fixture
def redis_url(cluster_url: str) -> str:
    """The address of one node."""
    return cluster_url


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of the empty cluster."""
    async with connect(redis_url) as client:
        await client.flushall()
        yield client


@pytest.fixture
def serving(redis, make_context) -> Callable[[], AbstractAsyncContextManager[None]]:
    """Run a service with the arena `probe`, which `probe:in` sets off, for the length of a block."""

    @asynccontextmanager
    async def run() -> AsyncIterator[None]:
        stop = asyncio.Event()
        service = asyncio.create_task(Service(make_context(arenas=[PROBE], lease_s=2, drain_s=5)).run(stop))
        try:
            await wait_until(lambda: redis.exists("probe:in"))
            yield
        finally:
            stop.set()
            await service

    return run

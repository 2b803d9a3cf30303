"""Fixtures for tests of MAF and of its plugins; pytest finds them once `maf[testing]` is installed.

They run the real server: an embedded Valkey, started once for the session, emptied before every test.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

try:
    from pytest_asyncio import fixture as async_fixture
except ImportError:  # without maf[testing] the fixtures below are simply not used
    async_fixture = pytest.fixture  # type: ignore[assignment]

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from maf_core.context import AppContext


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an embedded server of this test session."""
    from maf_core.streams.embedded import EmbeddedServer

    server = EmbeddedServer(tmp_path_factory.mktemp("valkey"))
    asyncio.run(server.start())
    yield server.url
    asyncio.run(server.stop())


@async_fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of an empty server."""
    from maf_core.streams.connect import connect

    async with connect(redis_url) as client:
        await client.flushall()
        yield client


@pytest.fixture
def make_context(redis: Redis) -> Callable[..., AppContext]:
    """Make an `AppContext` on the test server.

    `make_context(plugins=manager, arenas=[...], sections={"my_plugin": {...}}, **settings)`; by default with all
    installed plugins and no arenas.
    """
    from maf_core.context import AppContext
    from maf_core.plugins import PluginManager, Selection
    from maf_core.settings import Settings

    def make(
        plugins: PluginManager | None = None, arenas: Any = (), sections: Any = None, **settings: Any
    ) -> AppContext:
        manager = plugins or PluginManager.load(Selection())
        chosen = Settings(plugins=sections, **settings)
        return AppContext.create(redis, chosen, manager, {arena.name: arena for arena in arenas})

    return make

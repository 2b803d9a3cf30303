"""Fixtures for tests of MAF and of its plugins; pytest finds them once `maf[testing]` is installed.

They run a real server: an embedded Valkey or what `--engine` names, started once for the session, emptied before every
test.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from maf_core.testing.choosing import (
    cluster_url,
    pytest_addoption,
    pytest_collection_modifyitems,
    pytest_configure,
    redis_cluster,
    redis_engine,
)

try:
    from pytest_asyncio import fixture as async_fixture
except ImportError:  # without maf[testing] the fixtures below are simply not used
    async_fixture = pytest.fixture  # type: ignore[assignment]

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from maf_core.context import AppContext
    from maf_core.plugins import PluginManager
    from maf_core.testing.clock import HeldClock
    from maf_core.testing.engines import Engine
    from maf_core.testing.ollama import OllamaServer


__all__ = [
    "clock",
    "cluster_url",
    "fire_template",
    "make_context",
    "ollama",
    "pytest_addoption",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "recorded_llm",
    "redis",
    "redis_cluster",
    "redis_engine",
    "redis_url",
]


@async_fixture
async def redis(redis_engine: Engine) -> AsyncIterator[Redis]:
    """A client of an empty server."""
    async with redis_engine.connect() as client:
        await client.flushall()
        yield client


@pytest.fixture
def redis_url(redis: Redis, redis_engine: Engine) -> str:  # noqa: ARG001 - emptied by asking for it
    """The address of that empty server, for other processes."""
    return redis_engine.url


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


@async_fixture
async def clock(redis: Redis) -> AsyncIterator[HeldClock]:
    """The service's clock on the test server, held at `clock.now` until the test moves it.

    `await clock.hold(moment)`, `await clock.move(hours=1)`; it begins at the close in New York of 2024-01-02.
    """
    from maf_core.testing.clock import HeldClock

    held = HeldClock(redis)
    await held.hold(held.now)
    yield held
    await held.release()


@pytest.fixture
def fire_template(make_context: Callable[..., AppContext]) -> Callable[..., Awaitable[list[dict[str, Any]]]]:
    """Try a trigger template of an installed plugin: `await fire_template("mine", publish(redis, stream, payload))`.

    The actions are awaited one by one while the real dispatcher runs with an arena that has this rule; gives the
    commands that were sent.
    """
    from maf_core.plane.library import TemplateLibrary
    from maf_core.plugins import PluginManager, Selection
    from maf_core.testing.triggering import arena_with, commands_after

    async def fire(template: str, *actions: Awaitable[Any], plugins: PluginManager | None = None) -> Any:
        plugins = plugins or PluginManager.load(Selection())
        rule = TemplateLibrary(plugins).templates()[template].template.rule
        return await commands_after(make_context(plugins=plugins, arenas=[arena_with(rule)]), *actions)

    return fire


@pytest.fixture
def ollama() -> Iterator[OllamaServer]:
    """A stand-in for a local Ollama on a real port: `ollama.url`, `ollama.rules[model] = …`, `ollama.calls`."""
    from maf_core.testing.ollama import OllamaServer

    with OllamaServer() as server:
        yield server
    if server.errors:
        raise server.errors[0]


@pytest.fixture
def recorded_llm() -> Iterator[Callable[..., PluginManager]]:
    """The installed plugins, and the provider `recorded`, whose models answer from a file that was recorded once.

    `make_context(plugins=recorded_llm(path), llm={"model": "recorded:ollama:gpt-oss:20b"})`. With MAF_RECORD=1 the
    real model is asked what the file has no answer to, and the file is written; without, such a question fails the
    test. `recorded_llm(path, candidates)`: these plugins in place of the installed ones.
    """
    from maf_core.llm.providers import Providers
    from maf_core.plugins import Candidate, PluginManager, Selection, discover
    from maf_core.testing.recorded import Recordings, recorded_plugin

    used: list[Recordings] = []

    def make(path: Path, candidates: list[Candidate] | None = None) -> PluginManager:
        recordings = Recordings(path)
        used.append(recordings)
        plugin = recorded_plugin(recordings, lambda settings: Providers(settings, manager))
        manager = PluginManager.load(Selection(), [*(discover() if candidates is None else candidates), plugin])
        return manager

    yield make
    missing = [sentence for recordings in used for sentence in recordings.missing]
    if missing:
        pytest.fail(missing[0], pytrace=False)

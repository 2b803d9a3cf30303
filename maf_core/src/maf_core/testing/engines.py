"""The servers that tests run on: which there are, what each lacks, and how it is started."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redis.asyncio import Redis

DEFAULT = "embedded"
# What tests may need, and why an engine has it not.
LACKS: dict[str, dict[str, str]] = {
    DEFAULT: {},
    "redis": {},
    "cluster": {
        "one server": "its nodes have an address, a clock and a log of commands each",
    },
    "fakeredis": {
        "address": "it lives in the process of the tests, where no other can reach it",
        "commandstats": "it does not count commands",
        "config": "it has no settings to change",
    },
}
NEEDS = {need for lacking in LACKS.values() for need in lacking}


@dataclass(frozen=True, slots=True)
class Engine:
    """A running server: its address, empty when it has none, and how to open a client of it."""

    url: str
    connect: Callable[[], AbstractAsyncContextManager[Redis]]


@contextmanager
def running(name: str, folder: Path) -> Iterator[Engine]:
    """Run the engine of this name for the length of the block."""
    with _STARTERS[name](folder) as engine:
        yield engine


@contextmanager
def _embedded(folder: Path) -> Iterator[Engine]:
    from maf_core.streams.embedded import EmbeddedServer

    server = EmbeddedServer(folder, appendfsync="everysec")
    asyncio.run(server.start())
    yield at(server.url)
    asyncio.run(server.stop())


@contextmanager
def _redis(folder: Path) -> Iterator[Engine]:
    from maf_core.testing.servers import Server

    server = Server("redis-server", folder)
    try:
        server.start()
        yield at(server.url)
    finally:
        server.stop()


@contextmanager
def _fakeredis(_folder: Path) -> Iterator[Engine]:
    from fakeredis import FakeAsyncRedis, FakeServer

    server = FakeServer()
    yield Engine("", lambda: FakeAsyncRedis(server=server))


def at(url: str) -> Engine:
    """The server at this address."""
    from maf_core.streams.connect import connect

    return Engine(url, lambda: connect(url))


_STARTERS = {DEFAULT: _embedded, "redis": _redis, "fakeredis": _fakeredis}

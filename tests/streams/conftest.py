"""Consumers on the test server, and programs that are killed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from maf_core.streams import codec
from maf_core.streams.consume import FROM_START, ConsumerOptions, Entry, GroupConsumer, Handler
from maf_core.streams.names import DEAD
from maf_core.streams.raw import entries


@pytest.fixture
def consumer(redis: Redis) -> Callable[..., GroupConsumer]:
    """A consumer of group `g` that looks often whether it is to stop; keywords are its options."""

    def make(name: str = "c1", streams: tuple[str, ...] = ("in",), client: Any = None, **options: Any) -> GroupConsumer:
        chosen = ConsumerOptions(**{"start": FROM_START, "block_ms": 10, **options})
        return GroupConsumer(client or redis, "g", streams, name, chosen)

    return make


@pytest.fixture
def consuming() -> Callable[..., AbstractAsyncContextManager[asyncio.Event]]:
    """Run a consumer for the length of a block; gives the event that stops it."""

    @asynccontextmanager
    async def run(consumer: GroupConsumer, handler: Handler) -> AsyncIterator[asyncio.Event]:
        await consumer.create_groups()
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(consumer.run(handler, stop))
            try:
                yield stop
            finally:
                stop.set()

    return run


@pytest.fixture
def seen() -> list[Entry]:
    """What the handler `note` was given."""
    return []


@pytest.fixture
def note(seen: list[Entry]) -> Handler:
    """A handler that only remembers."""

    async def handler(entry: Entry) -> None:
        seen.append(entry)

    return handler


@pytest.fixture
def letters(redis: Redis) -> Callable[[], Any]:
    """Read the dead letters."""

    async def read() -> list[dict[str, Any]]:
        return [codec.decode(fields) for _, fields in entries(await redis.xrange(DEAD))]

    return read


@pytest.fixture
def program() -> Callable[..., AbstractAsyncContextManager[asyncio.subprocess.Process]]:
    """Run a file of `programs/` as a process of its own, killed at the end of the block if it still lives."""

    @asynccontextmanager
    async def run(name: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
        path = Path(__file__).with_name("programs") / name
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(path), *arguments, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()

    return run

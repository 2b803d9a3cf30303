"""Entries that groups gave up."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from redis.asyncio import Redis

from maf_core.errors import BadEntryError
from maf_core.streams.consume import FROM_START, ConsumerOptions, Entry, GroupConsumer
from maf_core.streams.dead import Letter, newest
from maf_core.streams.names import DEAD
from maf_core.streams.publish import publish
from maf_core.streams.quiet import until_quiet
from maf_core.testing import running
from maf_core.worker import ConsumerWorker

Handling = Callable[[str, Callable[[Entry], None]], ConsumerWorker]


class Handler(ConsumerWorker):
    """Shows each entry to a function, which may raise."""

    def __init__(self, redis: Redis, group: str, show: Callable[[Entry], None]) -> None:
        # A lease so short that what was re-driven is looked for several times a second.
        options = ConsumerOptions(start=FROM_START, block_ms=10, lease_s=0.3)
        super().__init__(GroupConsumer(redis, group, ["in"], "c1", options))
        self._show = show

    async def handle(self, entry: Entry) -> None:
        self._show(entry)


@pytest.fixture
def handling(redis: Redis) -> Handling:
    """A worker that shows the entries of the stream `in` to a function, as a group of this name."""
    return lambda group, show: Handler(redis, group, show)


def refuse(entry: Entry) -> None:
    """Give up whatever comes."""
    raise BadEntryError("nobody wants it")


@pytest.fixture
def given_up(redis: Redis, handling: Handling) -> Callable[..., Awaitable[list[Letter]]]:
    """Publish these payloads and let the group `g` give them up; gives the letters, the oldest first."""

    async def give(*payloads: dict[str, Any]) -> list[Letter]:
        for payload in payloads:
            await publish(redis, "in", payload)
        async with running(handling("g", refuse)):
            await until_quiet(redis)
        return (await newest(redis, len(payloads)))[::-1]

    return give


@pytest.fixture
def write_letter(redis: Redis) -> Callable[..., Awaitable[str]]:
    """Put a letter on the dead-letter stream by hand; gives its id. `raw`: the entry's own bytes."""

    async def write(raw: dict[bytes, bytes] | None = None, **more: Any) -> str:
        if raw is not None:
            fields = {base64.b64encode(name).decode(): base64.b64encode(value).decode() for name, value in raw.items()}
            more = {"fields": fields, "encoding": "base64", **more}
        return await publish(redis, DEAD, {"stream": "in", "entry_id": "1-1", "group": "g", **more})

    return write

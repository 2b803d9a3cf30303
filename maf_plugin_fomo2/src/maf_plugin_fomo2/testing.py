"""A stand-in for fomo2 on its two streams, with the faults that a program on the other side of a stream has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from maf_core import publish
from maf_core.streams import codec, raw

Payload = dict[str, Any]
Respond = Callable[[Payload], Iterable[Payload]]

_BLOCK_MS = 20


def answers_with(**content: Any) -> Respond:
    """Answer every request once, with these fields."""
    return lambda request: [{"correlation_id": request["correlation_id"], "status": "ok", **content}]


def never(_: Payload) -> list[Payload]:
    """Answer nothing."""
    return []


class Responder:
    """Reads requests and writes what `respond` makes of each, any number of answers; `requests` keeps what came."""

    def __init__(self, redis: Redis, respond: Respond) -> None:
        self.requests: list[Payload] = []
        self.respond = respond
        self._redis = redis

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set."""
        last = "0"
        while not stop.is_set():
            answer = await self._redis.xread({"fomo2:requests": last}, block=_BLOCK_MS)
            for _, found in raw.by_stream(answer):
                for entry_id, fields in found:
                    last = entry_id
                    await self._answer(codec.decode(fields))

    async def _answer(self, request: Payload) -> None:
        self.requests.append(request)
        for payload in self.respond(request):
            await publish(self._redis, "fomo2:responses", payload)


@asynccontextmanager
async def responding(redis: Redis, respond: Respond) -> AsyncIterator[Responder]:
    """A responder at work."""
    responder = Responder(redis, respond)
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(responder.run(stop))
        try:
            yield responder
        finally:
            stop.set()

"""Wait for answers on a stream: one reader for all who wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from maf_core import BadEntryError
from maf_core.streams import codec, raw

log = structlog.get_logger(__name__)

_BLOCK_MS = 200
_PAGE = 100

Answer = dict[str, Any]


class Mailbox:
    """Hands each answer to whoever waits for its `correlation_id`.

    The reader ends by itself when nobody waits any more: to cut its read short would cost a connection. What nobody
    waits for, an answer that came too late or another's, is dropped; what cannot be read is counted in `bad_entries`.
    """

    def __init__(self, redis: Redis, stream: str) -> None:
        self.bad_entries = 0
        self._redis = redis
        self._stream = stream
        self._waiting: dict[str, asyncio.Future[Answer]] = {}
        self._reader: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()

    @asynccontextmanager
    async def expecting(self, correlation_id: str) -> AsyncIterator[asyncio.Future[Answer]]:
        """A future of the answer. Ask only inside: what comes from here on is not missed."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[correlation_id] = answer
        try:
            await self._listen()
            yield answer
        finally:
            del self._waiting[correlation_id]

    async def _listen(self) -> None:
        async with self._starting:
            if self._reader is None or self._reader.done():
                newest = raw.entries(await self._redis.xrevrange(self._stream, count=1))
                self._reader = asyncio.create_task(self._read(newest[0][0] if newest else "0"))

    async def _read(self, last: str) -> None:
        try:
            while self._waiting:
                answer = await self._redis.xread({self._stream: last}, count=_PAGE, block=_BLOCK_MS)
                for _, found in raw.by_stream(answer):
                    for entry_id, fields in found:
                        last = entry_id
                        self._deliver(entry_id, fields)
        except RedisError as error:  # the server is away: that is for those who wait to know
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(error)

    def _deliver(self, entry_id: str, fields: raw.RawFields) -> None:
        try:
            payload = codec.decode(fields)
        except BadEntryError as error:
            self.bad_entries += 1
            log.warning("answer_skipped", stream=self._stream, entry=entry_id, reason=str(error))
            return
        waiting = self._waiting.get(str(payload.get("correlation_id")))
        if waiting is None:
            log.debug("answer_dropped", stream=self._stream, entry=entry_id)
        elif not waiting.done():  # told twice: the first stands
            waiting.set_result(payload)

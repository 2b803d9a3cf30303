"""Look past the commands that wait for a place: those that need none are carried out at once.

A group hands entries out in order, so that a cancel would wait behind the very runs that it is to end. While all places
are taken, the stream is read without the group. What is found is claimed by its id, as always; when the group comes to
it, it is over, or goes on if whoever was at it has died.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from maf_core.control.intake import QUICK
from maf_core.errors import BadEntryError
from maf_core.streams import codec
from maf_core.streams.consume import Entry
from maf_core.streams.ids import order
from maf_core.streams.names import CONTROL_IN
from maf_core.streams.raw import by_stream
from maf_core.tasks import cancelled

log = structlog.get_logger(__name__)

_BLOCK_MS = 200
_PAGE = 200
_RETRY_SECONDS = 0.5


class LookAhead:
    """Knows when all places are taken, and finds quick commands meanwhile."""

    def __init__(self, redis: Redis, places: int, carry_out: Callable[[Entry], Awaitable[None]]) -> None:
        self._redis = redis
        self._free = places
        self._full = asyncio.Event()
        self._seen = "0-0"
        self._carry_out = carry_out
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def place(self, entry: Entry) -> AsyncIterator[None]:
        """Take a place for an entry that the group has handed out."""
        self._seen = max(self._seen, entry.id, key=order)
        self._free -= 1
        if self._free <= 0:
            self._full.set()
        try:
            yield
        finally:
            self._free += 1
            self._full.clear()

    async def run(self) -> None:
        """Look ahead whenever all places are taken, until cancelled."""
        try:
            while True:
                await self._full.wait()
                try:
                    await self._look()
                except RedisError:  # the worker notices too, and is made anew
                    await asyncio.sleep(_RETRY_SECONDS)
        finally:
            await cancelled(self._tasks)

    async def _look(self) -> None:
        answer = await self._redis.xread({CONTROL_IN: self._seen}, count=_PAGE, block=_BLOCK_MS)
        for _, found in by_stream(answer):
            for entry_id, fields in found:
                self._seen = max(self._seen, entry_id, key=order)
                try:
                    entry = Entry(CONTROL_IN, entry_id, codec.decode(fields))
                except BadEntryError:
                    continue  # the group refuses it when its turn comes
                if entry.payload.get("command") in QUICK:
                    task = asyncio.create_task(self._now(entry))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)

    async def _now(self, entry: Entry) -> None:
        try:
            await self._carry_out(entry)
        except Exception:
            log.exception("command_put_off", entry=entry.id, until="its turn comes")

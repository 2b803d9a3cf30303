"""Keep streams and groups bounded without dropping what a group has yet to acknowledge."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from maf_core.streams.bounds import bounded, drop, groups_read
from maf_core.streams.group import forget_consumers
from maf_core.streams.ids import order
from maf_core.streams.names import CONTROL_OUT, DEAD, DECISIONS, EXECUTIONS, OUTCOMES, arena_output
from maf_core.streams.publish import keep_bounded
from maf_core.streams.raw import entries, text
from maf_core.streams.standing import standings
from maf_core.worker import Worker

if TYPE_CHECKING:
    from maf_core.context import AppContext

_WRITTEN = (CONTROL_OUT, DECISIONS, EXECUTIONS, OUTCOMES, DEAD)
# Whoever consumes asks for entries every second.
_GONE_SECONDS = 3600.0
_PAGE = 5000  # entries looked at in one round trip

log = structlog.get_logger(__name__)


class StreamTrimmer(Worker):
    """A worker that trims every stream MAF writes or consumes, and those that the settings give a length.

    Every `interval_s` seconds; then it tells on `maf:events` where they stand.
    """

    follows_arenas = True

    def __init__(self, context: AppContext) -> None:
        self.redis = context.redis
        self.interval_s = 30.0
        self._settings = context.settings
        self._events = context.events
        self._own = [*_WRITTEN, *(arena_output(arena) for arena in context.arenas)]

    async def prepare(self) -> None:
        """Remember the streams that the core writes."""
        await keep_bounded(self.redis, *self._own)

    async def run(self, stop: asyncio.Event) -> None:
        """Trim until `stop` is set."""
        while not stop.is_set():
            for stream, group in await groups_read(self.redis):
                await forget_consumers(self.redis, stream, group, _GONE_SECONDS)
            streams = await self._streams()
            for stream in streams:
                await self._trim(stream)
            await self._tell(streams)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self.interval_s)

    async def _trim(self, stream: str) -> None:
        try:
            await trim(self.redis, stream, self._settings.maxlen_of(stream))
        except ResponseError as error:  # a key of that name that is no stream must not keep the others from it
            log.warning("stream_not_trimmed", stream=stream, reason=str(error))

    async def _tell(self, streams: list[str]) -> None:
        found = [
            {
                "stream": one.stream,
                "length": one.length,
                "groups": [{"group": group.group, "lag": group.lag, "pending": group.pending} for group in one.groups],
            }
            for one in await standings(self.redis, streams)
        ]
        self._events.emit("system.status", streams=found)

    async def _streams(self) -> list[str]:
        return sorted({*await bounded(self.redis), *self._settings.stream_maxlens})


async def trim(redis: Redis, stream: str, maxlen: int) -> int:
    """Shorten `stream` to about `maxlen` entries and return how many went.

    Entries that a group has not acknowledged stay, until the stream is twice as long as it may be: then the oldest go,
    a warning says so, and `dropped` how many each group lost.
    """
    gone = 0
    while (excess := await redis.xlen(stream) - maxlen) > 0:
        # The server cuts whole blocks only, so that the last few entries over the length may stay.
        cut = await _trim_page(redis, stream, excess)
        gone += cut
        if not cut:
            break
    length = await redis.xlen(stream)
    if length > 2 * maxlen:
        cut, lost = await drop(redis, stream, maxlen)
        gone += cut
        if lost:
            log.warning("unread_entries_dropped", stream=stream, length=length, maxlen=maxlen, lost=lost)
    return gone


async def _trim_page(redis: Redis, stream: str, excess: int) -> int:
    first_to_keep = entries(await redis.xrange(stream, count=min(excess, _PAGE) + 1))[-1][0]
    cut = min(first_to_keep, await _first_needed(redis, stream), key=order)
    return int(await redis.xtrim(stream, minid=cut, approximate=True))


async def _first_needed(redis: Redis, stream: str) -> str:
    """The oldest entry that some group has still to acknowledge, or the last one it was given."""
    needed = entries(await redis.xrevrange(stream, count=1))[0][0]
    for group in await redis.xinfo_groups(stream):
        needed = min(needed, text(group["last-delivered-id"]), key=order)
        pending = await redis.xpending(stream, group["name"])
        if pending["pending"]:
            needed = min(needed, text(pending["min"]), key=order)
    return needed

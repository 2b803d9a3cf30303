"""The streams that rules watch. One that no rule of any service watches any more loses its group.

A group that nobody reads would hold back the trimming of its stream, and `until_quiet`, for ever. But a service that is
down for a moment must find its place again: each keeps a mark alive at the streams it watches, for an hour.
"""

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterable
from contextlib import suppress

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from maf_core.plane.refusals import Refusal, note
from maf_core.streams.bounds import groups_read
from maf_core.streams.names import GROUPS, beside
from maf_core.streams.raw import text

log = structlog.get_logger(__name__)

_MARK_SECONDS = 3600
_RENEW_SECONDS = 60.0
# Whoever consumes asks for entries several times a second.
_ALIVE_MS = 30_000

# KEYS: the stream, the mark. ARGV: the group, how long a consumer is silent before it counts as gone.
_RETIRE = """
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
local all = redis.pcall('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])
if all.err then return 1 end
for _, found in ipairs(all) do
  for i = 1, #found, 2 do
    if found[i] == 'idle' and found[i + 1] < tonumber(ARGV[2]) then return 0 end
  end
end
redis.call('XGROUP', 'DESTROY', KEYS[1], ARGV[1])
return 1
"""


class Watched:
    """The streams that the rules of this process watch."""

    def __init__(self, redis: Redis, group: str, streams: Iterable[str]) -> None:
        self._redis = redis
        self._group = group
        self._streams = list(streams)
        self._retire = redis.register_script(_RETIRE)

    async def usable(self) -> list[str]:
        """Those that are streams or may become one; a key that holds something else must not silence the others."""
        pipeline = self._redis.pipeline(transaction=False)
        for stream in self._streams:
            pipeline.type(stream)
        kinds = [text(kind) for kind in await pipeline.execute()] if self._streams else []
        for stream, kind in zip(self._streams, kinds, strict=True):
            if kind not in ("stream", "none"):
                await self._refuse(
                    stream, f"{stream!r} holds a {kind}, not a stream; the rules that watch it never fire"
                )
        self._streams = [
            stream for stream, kind in zip(self._streams, kinds, strict=True) if kind in ("stream", "none")
        ]
        return self._streams

    async def renew(self) -> None:
        """Say that these streams are watched, and retire the group of every other that nobody watches."""
        pipeline = self._redis.pipeline(transaction=False)
        for stream in self._streams:
            pipeline.set(self._mark(stream), 1, ex=_MARK_SECONDS)
        await pipeline.execute()
        registered = [stream for stream, group in await groups_read(self._redis) if group == self._group]
        for stream in registered:
            if stream not in self._streams and await self._retire(
                [stream, self._mark(stream)], [self._group, _ALIVE_MS]
            ):
                await self._redis.srem(GROUPS, f"{stream}\n{self._group}")
                log.info("stream_not_watched_any_more", stream=stream)

    async def keep(self) -> None:
        """Renew until cancelled."""
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            with suppress(RedisError):
                await self.renew()

    async def let_go(self, still: Container[str]) -> None:
        """Take the mark off the streams that are not among those still watched; other services renew theirs."""
        for stream in self._streams:
            if stream not in still:
                await self._redis.delete(self._mark(stream))

    async def _refuse(self, stream: str, reason: str) -> None:
        log.error("stream_not_watched", stream=stream, reason=reason)
        await note(self._redis, f"watched:{stream}", Refusal(reason, source="triggers"))

    def _mark(self, stream: str) -> str:
        return beside(stream, "watched", self._group)

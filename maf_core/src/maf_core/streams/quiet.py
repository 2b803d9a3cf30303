"""Tell when everything that was put on the streams has been digested.

A consumer publishes what follows from an entry before it acknowledges it. So at any moment unfinished work is visible:
as an entry not yet delivered or not yet acknowledged by some group.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from maf_core.streams.names import GROUPS
from maf_core.streams.raw import text

# Short against what a bar sets off (tens of milliseconds), long against the cost of a look (half of one).
_POLL_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class Backlog:
    """What one group has still to do on one stream: entries never delivered, and delivered but not acknowledged."""

    stream: str
    group: str
    delivered_id: str
    undelivered: int
    pending: int

    @property
    def idle(self) -> bool:
        """Nothing to deliver and nothing to acknowledge."""
        return not self.undelivered and not self.pending


async def backlogs(redis: Redis) -> list[Backlog]:
    """The backlog of every registered group, in two round trips."""
    members = sorted(tuple(text(member).split("\n", 1)) for member in await redis.smembers(GROUPS))
    known = set(members)
    streams = sorted({stream for stream, _ in members})
    pipeline = redis.pipeline(transaction=False)
    for stream in streams:
        pipeline.xinfo_groups(stream)
    answers = await pipeline.execute(raise_on_error=False)
    found = [
        await _backlog(redis, stream, group)
        for stream, groups in zip(streams, answers, strict=True)
        if isinstance(groups, list)  # a stream that was deleted has nothing left to do
        for group in groups
    ]
    return [backlog for backlog in found if (backlog.stream, backlog.group) in known]


async def until_quiet(redis: Redis, on_wait: Callable[[list[Backlog]], None] | None = None) -> None:
    """Return when no registered group has anything left to do.

    Two equal and idle looks in a row prove it, even though a look is not atomic over streams: work in flight during the
    first would have been delivered to some group, and so moved its last id, before the second. `on_wait` gets the busy
    backlogs of each look.
    """
    before: list[Backlog] | None = None
    while True:
        now = await backlogs(redis)
        busy = [backlog for backlog in now if not backlog.idle]
        if not busy and now == before:
            return
        before = now
        if busy:
            if on_wait is not None:
                on_wait(busy)
            await asyncio.sleep(_POLL_SECONDS)


async def _backlog(redis: Redis, stream: str, group: dict[str, Any]) -> Backlog:
    delivered_id = text(group["last-delivered-id"])
    undelivered, pending = group["lag"], group["pending"]
    # The server loses count when entries are deleted; Redis 7.0 also miscounts after it has read its file.
    if undelivered != 0 and not pending:
        undelivered = (undelivered or 1) if await redis.xrange(stream, min=f"({delivered_id}", count=1) else 0
    return Backlog(stream, text(group["name"]), delivered_id, undelivered or 0, pending)

"""Tell when everything that was put on the streams has been digested.

A consumer publishes what follows from an entry before it acknowledges it. So at any moment unfinished work is visible:
as an entry not yet delivered or not yet acknowledged by some group.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from maf_core.streams.names import GROUPS
from maf_core.streams.raw import text

_POLL_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class Backlog:
    """What one group has still to do on one stream."""

    stream: str
    group: str
    last_id: str
    waiting: bool
    pending: int

    @property
    def idle(self) -> bool:
        """Nothing to deliver and nothing to acknowledge."""
        return not self.waiting and not self.pending


async def backlogs(redis: Redis) -> list[Backlog]:
    """The backlog of every registered group, in two round trips."""
    members = sorted(tuple(text(member).split("\n", 1)) for member in await redis.smembers(GROUPS))
    streams = sorted({stream for stream, _ in members})
    pipeline = redis.pipeline(transaction=False)
    for stream in streams:
        pipeline.xinfo_stream(stream)
        pipeline.xinfo_groups(stream)
    answers = await pipeline.execute(raise_on_error=False)
    known = set(members)
    return [
        backlog
        for stream, info, groups in zip(streams, answers[::2], answers[1::2], strict=True)
        if isinstance(info, dict) and isinstance(groups, list)
        for backlog in _of_stream(stream, info, groups)
        if (stream, backlog.group) in known
    ]


async def until_quiet(redis: Redis, on_wait: Any = None) -> None:
    """Return when no registered group has anything left to do.

    Two equal and idle snapshots in a row prove it, even though a snapshot is not atomic: work in flight while the
    first was taken would have moved a stream's last id before the second. `on_wait` gets the busy backlogs of each
    look.
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


def _of_stream(stream: str, info: dict[str, Any], groups: list[dict[str, Any]]) -> list[Backlog]:
    last_id = text(info["last-generated-id"])
    return [
        Backlog(
            stream,
            text(group["name"]),
            last_id,
            waiting=text(group["last-delivered-id"]) != last_id and info["length"] > 0,
            pending=group["pending"],
        )
        for group in groups
    ]

"""What the rules do to the test server, and ask of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from redis.asyncio import Redis

from maf_core.streams import codec
from maf_core.streams.cluster import every_node
from maf_core.streams.names import EVENTS
from maf_core.streams.raw import entries, text

# Broken JSON, JSON that is no object, an object that says nothing, and bytes that are no text.
GARBAGE: list[dict[bytes, bytes]] = [{b"data": b"{"}, {b"data": b"[1]"}, {b"data": b"{}"}, {b"x": b"\xff"}]


async def put_garbage(redis: Redis, streams: Iterable[str]) -> None:
    """Append entries that nobody can read."""
    for stream in streams:
        for fields in GARBAGE:
            await redis.xadd(stream, fields)  # type: ignore[arg-type]


async def commands_of(redis: Redis, action: Callable[[], Awaitable[Any]]) -> int:
    """How many commands the server ran for an action; a test that asks this `needs("commandstats")`."""
    before = await _commands(redis)
    await action()
    return await _commands(redis) - before


async def published(redis: Redis) -> dict[str, int]:
    """The length of every stream but the event bus, which is best effort."""
    streams = sorted([text(key) async for key in redis.scan_iter(_type="stream")])
    return {stream: await redis.xlen(stream) for stream in streams if stream != EVENTS}


async def payloads(redis: Redis, stream: str) -> list[dict[str, Any]]:
    """What stands on a stream, oldest first."""
    return [codec.decode(fields) for _, fields in entries(await redis.xrange(stream))]


async def _commands(redis: Redis) -> int:
    stats = [stat for node in await every_node(redis, "INFO", "commandstats") for stat in node.items()]
    return sum(stat["calls"] for name, stat in stats if name != "cmdstat_info")

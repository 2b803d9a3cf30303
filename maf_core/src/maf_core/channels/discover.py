"""All channels: those that somebody names, and what else lies on the server beside them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import structlog
from redis.asyncio import Redis, RedisCluster

from maf_core.arenas.config import ArenaConfig
from maf_core.channels.catalogue import Channel, catalogue
from maf_core.plugins import PluginManager
from maf_core.streams.raw import text

log = structlog.get_logger(__name__)

_PATIENCE_SECONDS = 3.0
_KEYS_AT_ONCE = 1000
_INTERNAL = "maf:{"


async def discover_channels(
    redis: Redis, plugins: PluginManager, arenas: Mapping[str, ArenaConfig], patience_s: float = _PATIENCE_SECONDS
) -> list[Channel]:
    """The catalogue, and the streams on the server that share a prefix (up to the first colon) with one of it.

    Looks at every key's name once, for at most `patience_s` seconds; what was found until then is returned.
    """
    known = catalogue(plugins, arenas)
    names = {channel.stream for channel in known}
    prefixes = {"maf", *(name.partition(":")[0] for name in names)}
    others = {name for name in await _streams(redis, patience_s) if name.partition(":")[0] in prefixes} - names
    return sorted([*known, *(Channel(name, known=False) for name in others)], key=lambda channel: channel.stream)


async def _streams(redis: Redis, patience_s: float) -> set[str]:
    found: set[str] = set()
    until = time.monotonic() + patience_s
    for node in _nodes(redis):
        cursor = 0
        while True:
            answered, keys = await redis.scan(cursor, count=_KEYS_AT_ONCE, _type="stream", **node)
            found.update(name for name in map(text, keys) if not name.startswith(_INTERNAL))
            cursor = answered if isinstance(answered, int) else next(iter(answered.values()))
            if not cursor:
                break
            if time.monotonic() > until:
                log.warning("streams_not_all_found", seconds=patience_s, found=len(found))
                return found
    return found


def _nodes(redis: Redis) -> list[dict[str, Any]]:
    """Where to look: at the server, or at each primary of a cluster in turn."""
    return [{"target_nodes": node} for node in redis.get_primaries()] if isinstance(redis, RedisCluster) else [{}]

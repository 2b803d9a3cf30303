"""The streams people may want to look at: who names them, how long they are, how old their newest entry is.

What is known by name stands here; what merely exists on the server is not looked for.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import structlog
from redis.asyncio import Redis

from maf_core.arenas.config import ArenaConfig
from maf_core.errors import MAFError
from maf_core.plugins import PluginManager
from maf_core.records import ChannelSpec
from maf_core.sources.catalog import configured
from maf_core.sources.freshness import streams_of
from maf_core.sources.legacy import freshness_of
from maf_core.streams.raw import entries

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Channel:
    """A stream. `offered_by`: the plugins that name it; `read_by`: the arenas whose triggers or sources read it."""

    stream: str
    summary: str = ""
    offered_by: tuple[str, ...] = ()
    read_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """A channel as it stands on the server.

    `last_id` and `age_s` (seconds since the newest entry was written) are None without an entry. `fault`: why it could
    not be measured.
    """

    channel: Channel
    length: int = 0
    last_id: str | None = None
    age_s: float | None = None
    fault: str = ""

    def as_json(self) -> dict[str, Any]:
        """All of it as plain data, in one level."""
        facts = asdict(self)
        return {**facts.pop("channel"), **facts}


@dataclass(slots=True)
class _Mentions:
    summaries: list[str] = field(default_factory=list)
    plugins: set[str] = field(default_factory=set)
    arenas: set[str] = field(default_factory=set)


def catalogue(plugins: PluginManager, arenas: Mapping[str, ArenaConfig]) -> list[Channel]:
    """Every stream that a plugin offers or an arena reads, once, by name."""
    found: dict[str, _Mentions] = defaultdict(_Mentions)
    for given in plugins.given("maf_channels"):
        if isinstance(given.record, ChannelSpec) and given.record.stream:
            mentions = found[given.record.stream]
            mentions.plugins.add(given.plugin)
            mentions.summaries += filter(None, [given.record.summary])
    for arena in arenas.values():
        for stream in _read(plugins, arena):
            found[stream].arenas.add(arena.name)
    return [
        Channel(stream, "; ".join(said.summaries), tuple(sorted(said.plugins)), tuple(sorted(said.arenas)))
        for stream, said in sorted(found.items())
    ]


async def measure(redis: Redis, channels: Iterable[Channel]) -> list[Measured]:
    """How long each channel is and how old its newest entry. One round trip, whatever their number."""
    channels = list(channels)
    pipeline = redis.pipeline(transaction=False)
    for channel in channels:
        pipeline.xlen(channel.stream)
        pipeline.xrevrange(channel.stream, count=1)
    answers = await pipeline.execute(raise_on_error=False) if channels else []
    now = time.time()
    return [
        _measured(channel, length, newest, now)
        for channel, length, newest in zip(channels, answers[::2], answers[1::2], strict=True)
    ]


def _read(plugins: PluginManager, arena: ArenaConfig) -> Iterator[str]:
    for trigger in arena.triggers:
        yield trigger.on_stream
    for binding in arena.sources.values():
        try:
            kind, config = configured(plugins, binding.source, binding.config)
        except MAFError as error:
            log.warning("binding_not_looked_at", arena=arena.name, source=binding.source, reason=str(error))
            continue
        yield from streams_of(freshness_of(binding.source, kind, config))


def _measured(channel: Channel, length: Any, newest: Any, now: float) -> Measured:
    if isinstance(length, Exception):  # such as a key of that name that is no stream
        return Measured(channel, fault=f"{channel.stream} cannot be read as a stream: {length}")
    found = entries(newest)
    if not found:
        return Measured(channel, length)
    last_id = found[0][0]
    written_s = int(last_id.partition("-")[0]) / 1000
    return Measured(channel, length, last_id, round(max(0.0, now - written_s), 3))

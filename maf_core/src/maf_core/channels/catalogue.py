"""The streams that somebody names: plugins offer them, arenas read them, publishers write them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import structlog

from maf_core.arenas.config import ArenaConfig
from maf_core.errors import MAFError
from maf_core.plugins import PluginManager
from maf_core.records import ChannelSpec, PublisherSpec
from maf_core.sources.catalog import configured
from maf_core.sources.freshness import streams_of
from maf_core.sources.legacy import freshness_of
from maf_core.streams.names import arena_output

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Channel:
    """A stream. `offered_by`: the plugins that name it; `read_by`: the arenas whose triggers or sources read it.

    `written_by`: the arenas whose envelopes go out on it. `known` is False for one that was only found on the server.
    """

    stream: str
    summary: str = ""
    offered_by: tuple[str, ...] = ()
    read_by: tuple[str, ...] = ()
    written_by: tuple[str, ...] = ()
    known: bool = True


@dataclass(slots=True)
class _Mentions:
    summaries: list[str] = field(default_factory=list)
    plugins: set[str] = field(default_factory=set)
    readers: set[str] = field(default_factory=set)
    writers: set[str] = field(default_factory=set)

    def channel(self, stream: str) -> Channel:
        """The stream with everything that is said about it."""
        offered, read, written = (tuple(sorted(names)) for names in (self.plugins, self.readers, self.writers))
        return Channel(stream, "; ".join(self.summaries), offered, read, written)


def catalogue(plugins: PluginManager, arenas: Mapping[str, ArenaConfig]) -> list[Channel]:
    """Every stream that a plugin offers or an arena reads or writes, once, by name."""
    found: dict[str, _Mentions] = defaultdict(_Mentions)
    for given in plugins.given("maf_channels"):
        if isinstance(given.record, ChannelSpec) and given.record.stream:
            mentions = found[given.record.stream]
            mentions.plugins.add(given.plugin)
            mentions.summaries += filter(None, [given.record.summary])
    published = {spec.arena for spec in plugins.records("maf_envelope_publishers", PublisherSpec).values()}
    for arena in arenas.values():
        for stream in _read(plugins, arena):
            found[stream].readers.add(arena.name)
        if arena.name in published:
            found[arena_output(arena.name)].writers.add(arena.name)
    return [mentions.channel(stream) for stream, mentions in sorted(found.items())]


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

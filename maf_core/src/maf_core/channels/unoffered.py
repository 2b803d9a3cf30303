"""Streams that triggers watch and nobody here is known to write: a stranger may, but often it is a slip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from maf_core.arenas.config import ArenaConfig
from maf_core.arenas.oddity import Oddity
from maf_core.channels.catalogue import catalogue
from maf_core.mistakes import nearest
from maf_core.plugins import PluginManager
from maf_core.records import ArenaSpec
from maf_core.streams.names import arena_output


def unoffered(plugins: PluginManager, arenas: Mapping[str, ArenaConfig]) -> Iterator[Oddity]:
    """The streams that the triggers of these arenas watch without anybody offering them."""
    untriggered = {name: arena.model_copy(update={"triggers": []}) for name, arena in arenas.items()}
    known = {channel.stream for channel in catalogue(plugins, untriggered)}
    known.update(map(arena_output, [*arenas, *plugins.records("maf_arenas", ArenaSpec)]))
    for arena in arenas.values():
        for index, rule in enumerate(arena.triggers):
            if rule.on_stream not in known:
                words = f"trigger {rule.id!r} watches {rule.on_stream!r}, which nobody here offers."
                hint = nearest(rule.on_stream, known) or " It is fine if another program writes it."
                yield Oddity(arena, ("triggers", index, "on_stream"), words + hint)

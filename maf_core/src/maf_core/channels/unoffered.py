"""Streams that triggers watch and nobody here is known to write: a stranger may, but often it is a slip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from maf_core.arenas.config import ArenaConfig
from maf_core.channels.catalogue import catalogue
from maf_core.mistakes import nearest
from maf_core.plugins import PluginManager
from maf_core.records import ArenaSpec
from maf_core.streams.names import arena_output
from maf_core.yaml_lines import Location


@dataclass(frozen=True, slots=True)
class Unoffered:
    """A trigger's stream that no channel, source or arena names. `at`: where it stands in the arena's file."""

    arena: ArenaConfig
    at: Location
    words: str

    def __str__(self) -> str:
        place = ":".join(map(str, (self.arena.document.path, *self.arena.document.place(self.at))))
        return f"{place if self.arena.document.path else self.arena.name}: warning: {self.words}"


def unoffered(plugins: PluginManager, arenas: Mapping[str, ArenaConfig]) -> Iterator[Unoffered]:
    """The streams that the triggers of these arenas watch without anybody offering them."""
    untriggered = {name: arena.model_copy(update={"triggers": []}) for name, arena in arenas.items()}
    known = {channel.stream for channel in catalogue(plugins, untriggered)}
    known.update(map(arena_output, [*arenas, *plugins.records("maf_arenas", ArenaSpec)]))
    for arena in arenas.values():
        for index, rule in enumerate(arena.triggers):
            if rule.on_stream not in known:
                words = f"trigger {rule.id!r} watches {rule.on_stream!r}, which nobody here offers."
                hint = nearest(rule.on_stream, known) or " It is fine if another program writes it."
                yield Unoffered(arena, ("triggers", index, "on_stream"), words + hint)

"""What is odd in an arena, and no mistake: it is told, and the arena is used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from maf_core.arenas.config import ArenaConfig
from maf_core.plugins import PluginManager
from maf_core.records import SourceSpec
from maf_core.yaml_lines import Location


@dataclass(frozen=True, slots=True)
class Oddity:
    """One odd thing. `at`: where it stands in the arena's file."""

    arena: ArenaConfig
    at: Location
    words: str

    def __str__(self) -> str:
        place = ":".join(map(str, (self.arena.document.path, *self.arena.document.place(self.at))))
        return f"{place if self.arena.document.path else self.arena.name}: warning: {self.words}"


def replaced(plugins: PluginManager, arenas: Iterable[ArenaConfig]) -> Iterator[Oddity]:
    """The bindings of sources that have been replaced."""
    specs = plugins.records("maf_sources", SourceSpec)
    for arena in arenas:
        for name, binding in arena.sources.items():
            instead = specs[binding.source].replaced_by if binding.source in specs else ""
            if instead:
                words = f"{binding.source!r} has been replaced by {instead!r}: bind {instead!r} instead."
                yield Oddity(arena, ("sources", name, "source"), words)

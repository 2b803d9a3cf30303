"""The plugin that is looked at, as it stands among all others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version

from maf_core import builtin
from maf_core.errors import UnknownNameError
from maf_core.plugins import Candidate, PluginManager, PluginRow, Selection, discover
from maf_core.plugins.rows import BUILTIN
from maf_core.records import Record, RecordT


@dataclass(frozen=True, slots=True)
class Subject:
    """One plugin: where it comes from, what became of it, and the manager that loaded it with all others."""

    candidate: Candidate
    row: PluginRow
    plugins: PluginManager

    @classmethod
    def find(cls, name: str, selection: Selection | None = None) -> Subject:
        """The plugin of this name, installed or in the folder of one-file plugins; `core` is MAF's own.

        Raises `UnknownNameError` when there is none.
        """
        selection = replace(selection or Selection.from_environment(), strict=False)
        candidates = discover(selection.folder)
        known = {candidate.name: candidate for candidate in [*candidates, _core()]}
        if name not in known:
            raise UnknownNameError(f"There is no plugin {name!r}; there are {', '.join(known)}.")
        plugins = PluginManager.load(selection, candidates)
        row = next(row for row in plugins.rows if row.name == name)
        return cls(known[name], row, plugins)

    @property
    def records(self) -> list[Record]:
        """The records it gives."""
        return [given.record for given in self.plugins.contributions(self.candidate.name)]

    def of_kind(self, kind: type[RecordT]) -> Iterator[RecordT]:
        """Its records of one kind."""
        return (record for record in self.records if isinstance(record, kind))


def _core() -> Candidate:
    return Candidate(BUILTIN, "maf", version("maf"), module=builtin)

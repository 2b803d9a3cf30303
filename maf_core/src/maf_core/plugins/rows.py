"""What became of each plugin, as `maf plugins list` shows it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from maf_core.plugins.compatibility import incompatibility
from maf_core.plugins.discovery import Candidate
from maf_core.plugins.selection import Selection

BUILTIN = "core"


class Status(StrEnum):
    """What became of a plugin."""

    OK = "ok"
    DISABLED = "disabled"
    FAILED = "failed"
    INCOMPATIBLE = "incompatible"
    DUPLICATE = "duplicate"
    NOT_LOADED = "not loaded"


@dataclass(slots=True)
class PluginRow:
    """One line of `maf plugins list`.

    `import_ms` is None when the plugin was not imported. `old_hooks`: the deprecated ones it has; they work, and the
    reason says what to write instead.
    """

    name: str
    distribution: str
    version: str
    status: Status
    reason: str = ""
    import_ms: float | None = None
    contributions: dict[str, list[str]] = field(default_factory=dict)
    old_hooks: list[str] = field(default_factory=list)

    @property
    def fine(self) -> bool:
        """Whether this is what the user asked for."""
        return self.status in (Status.OK, Status.DISABLED, Status.NOT_LOADED)


def rows_from_metadata(selection: Selection, candidates: list[Candidate], core_version: str) -> list[PluginRow]:
    """A row for each candidate, in their order, without importing any; `not loaded` means that it may be."""
    names = Counter(candidate.name for candidate in candidates)
    names[BUILTIN] += 1
    return [_row(selection, candidate, candidates, names, core_version) for candidate in candidates]


def unknown_rows(selection: Selection, candidates: list[Candidate]) -> list[PluginRow]:
    """Rows for names that were disabled but are not installed, so that a misspelt one shows."""
    known = {candidate.name for candidate in candidates}
    return [PluginRow(name, "", "", Status.DISABLED, "not installed") for name in sorted(selection.disabled - known)]


def _row(
    selection: Selection, candidate: Candidate, candidates: list[Candidate], names: Counter[str], core_version: str
) -> PluginRow:
    row = PluginRow(candidate.name, candidate.distribution, candidate.version, Status.NOT_LOADED)
    if not selection.wants(candidate.name):
        row.status, row.reason = Status.DISABLED, "not selected"
    elif names[candidate.name] > 1:
        owners = ["maf"] if candidate.name == BUILTIN else []
        owners += [other.distribution for other in candidates if other.name == candidate.name]
        row.status = Status.DUPLICATE
        row.reason = f"the plugin name is claimed by {' and '.join(owners)}; uninstall all but one."
    elif reason := incompatibility(candidate, core_version):
        row.status, row.reason = Status.INCOMPATIBLE, reason
    return row

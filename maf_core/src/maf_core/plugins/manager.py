"""Loads plugins one at a time. A plugin that fails at any stage becomes a row with a reason, never an exit."""

from __future__ import annotations

import difflib
import time
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.metadata import version
from typing import TypeVar, cast

import pluggy

from maf_core import builtin, hookspecs
from maf_core.errors import PluginError, UnknownNameError, UnknownPluginError
from maf_core.plugins.discovery import Candidate, Selection, discover, incompatibility
from maf_core.plugins.readers import HOOKS, Contribution, read_contributions, reject_coroutine_hooks
from maf_core.records import Record

BUILTIN = "core"

RecordT = TypeVar("RecordT", bound=Record)


class Status(StrEnum):
    """What became of a plugin."""

    OK = "ok"
    DISABLED = "disabled"
    FAILED = "failed"
    INCOMPATIBLE = "incompatible"
    DUPLICATE = "duplicate"


@dataclass(slots=True)
class PluginRow:
    """One line of `maf plugins list`. `import_ms` is None when the plugin was not imported."""

    name: str
    distribution: str
    version: str
    status: Status
    reason: str = ""
    import_ms: float | None = None
    contributions: dict[str, list[str]] = field(default_factory=dict)


class PluginManager:
    """The plugins of one application. Make one, pass it on; there is no global instance."""

    def __init__(self) -> None:
        self.rows: list[PluginRow] = []
        self._pluggy = pluggy.PluginManager("maf")
        self._pluggy.add_hookspecs(hookspecs)
        self._records: dict[str, dict[str, Contribution]] = {hook: {} for hook in HOOKS}

    @classmethod
    def load(cls, selection: Selection | None = None, candidates: list[Candidate] | None = None) -> PluginManager:
        """Load the built-in plugin and every selected one.

        Raises `UnknownPluginError` when the selection names a plugin that is not installed.
        """
        manager = cls()
        selection = selection or Selection.from_environment()
        candidates = discover() if candidates is None else candidates
        core_version = version("maf")
        _refuse_unknown(selection, candidates)
        manager._add(Candidate(BUILTIN, "maf", core_version, module=builtin))
        names = Counter(candidate.name for candidate in candidates)
        for candidate in candidates:
            row = _row_from_metadata(candidate, selection, candidates, names, core_version)
            if row is None:
                manager._add(candidate)
            else:
                manager.rows.append(row)
        manager._refuse_clashes()
        return manager

    def records(self, hook: str, kind: type[RecordT]) -> dict[str, RecordT]:
        """All records of one hook by name, sorted by name, so that installation order never matters."""
        found = self._records[hook]
        return {name: cast("RecordT", found[name].record) for name in sorted(found)}

    def get(self, hook: str, kind: type[RecordT], name: str) -> RecordT:
        """One record by name; `UnknownNameError` suggests the nearest one and lists what there is."""
        found = self.records(hook, kind)
        if name not in found:
            what = hook.removeprefix("maf_").removesuffix("s").replace("_", " ")
            near = difflib.get_close_matches(name, found, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UnknownNameError(f"There is no {what} {name!r}.{hint} Known: {', '.join(found) or 'none'}.")
        return found[name]

    def _add(self, candidate: Candidate) -> None:
        row = PluginRow(candidate.name, candidate.distribution, candidate.version, Status.OK)
        self.rows.append(row)
        started = time.perf_counter()
        # A plugin is other people's code: whatever it raises must end here. SystemExit too: it can call exit().
        try:
            module = candidate.load()
            row.import_ms = round((time.perf_counter() - started) * 1000, 1)
            self._register(module, candidate.name)
            for found in read_contributions(self._pluggy, candidate.name, candidate.distribution):
                self._keep(found, row)
        except (Exception, SystemExit) as error:  # noqa: BLE001
            row.status, row.reason = Status.FAILED, _sentence(error)
            self._forget(candidate.name)

    def _register(self, module: object, name: str) -> None:
        reject_coroutine_hooks(module)
        self._pluggy.register(module, name=name)
        for hook in vars(module):
            if hook.startswith("maf_") and hook not in HOOKS and hasattr(getattr(module, hook), "maf_impl"):
                near = difflib.get_close_matches(hook, HOOKS, n=1)
                hint = f" Did you mean {near[0]}?" if near else f" Known: {', '.join(HOOKS)}."
                raise PluginError(f"there is no hook {hook}.{hint}")

    def _keep(self, found: Contribution, row: PluginRow) -> None:
        row.contributions.setdefault(found.hook.removeprefix("maf_"), []).append(found.record.name)
        known = self._records[found.hook].get(found.record.name)
        if known is not None and known.plugin == found.plugin:
            raise PluginError(f"hook {found.hook} gives the name {found.record.name!r} twice; names are unique.")
        key = found.record.name if known is None else f"{found.record.name}\0{found.distribution}"
        self._records[found.hook][key] = found

    def _forget(self, name: str) -> None:
        if self._pluggy.has_plugin(name):
            self._pluggy.unregister(name=name)
        for found in self._records.values():
            for key in [key for key, given in found.items() if given.plugin == name]:
                del found[key]

    def _refuse_clashes(self) -> None:
        """A name that two plugins give belongs to neither, except that the core keeps its own."""
        for hook, found in self._records.items():
            for key in [key for key in found if "\0" in key]:
                second = found.pop(key)
                first = found.get(second.record.name)
                self._refuse(hook, second, first or second)
                if first is not None and first.plugin != BUILTIN:
                    del found[second.record.name]
                    self._refuse(hook, first, second)

    def _refuse(self, hook: str, loser: Contribution, other: Contribution) -> None:
        row = next(row for row in self.rows if row.name == loser.plugin)
        row.status = Status.FAILED
        row.reason = (
            f"{hook} name {loser.record.name!r} is given by both {loser.distribution} and {other.distribution}: "
            "neither is used. Disable one with MAF_DISABLE_PLUGINS."
        )


def _row_from_metadata(
    candidate: Candidate, selection: Selection, candidates: list[Candidate], names: Counter[str], core: str
) -> PluginRow | None:
    """A row for a plugin that must not even be imported, else None."""
    row = PluginRow(candidate.name, candidate.distribution, candidate.version, Status.DISABLED)
    if not selection.wants(candidate.name):
        row.reason = "not selected"
        return row
    if names[candidate.name] > 1 or candidate.name == BUILTIN:
        owners = [other.distribution for other in candidates if other.name == candidate.name]
        row.status = Status.DUPLICATE
        row.reason = f"the plugin name is claimed by {' and '.join(owners)}; uninstall all but one."
        return row
    reason = incompatibility(candidate, core)
    if reason:
        row.status, row.reason = Status.INCOMPATIBLE, reason
        return row
    return None


def _refuse_unknown(selection: Selection, candidates: list[Candidate]) -> None:
    known = sorted({candidate.name for candidate in candidates})
    for name in sorted(selection.only or ()):
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else f" Try: pip install maf-plugin-{name}"
            raise UnknownPluginError(f"There is no plugin {name!r}; installed: {', '.join(known) or 'none'}.{hint}")


def _sentence(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"it needs {error.name!r}, which is not installed. Run: pip install {error.name}"
    return str(error) if isinstance(error, PluginError) else f"{type(error).__name__}: {error}"

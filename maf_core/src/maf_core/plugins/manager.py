"""Loads plugins one at a time. A plugin that fails at any stage becomes a row with a reason, never an exit."""

from __future__ import annotations

import difflib
import time
from collections import Counter, defaultdict
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
        self._given: list[Contribution] = []
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
            self._keep(read_contributions(self._pluggy, candidate.name, candidate.distribution), row)
        except (Exception, SystemExit) as error:  # noqa: BLE001
            row.status, row.reason = Status.FAILED, _sentence(error, candidate)
            if self._pluggy.has_plugin(candidate.name):
                self._pluggy.unregister(name=candidate.name)

    def _register(self, module: object, name: str) -> None:
        reject_coroutine_hooks(module)
        self._pluggy.register(module, name=name)
        for hook in vars(module):
            if hook not in HOOKS and hasattr(getattr(module, hook), "maf_impl"):
                near = difflib.get_close_matches(hook, HOOKS, n=1)
                hint = f" Did you mean {near[0]}?" if near else f" Known: {', '.join(HOOKS)}."
                raise PluginError(f"there is no hook {hook}.{hint}")

    def _keep(self, found: list[Contribution], row: PluginRow) -> None:
        for (hook, name), count in Counter((given.hook, given.record.name) for given in found).items():
            if count > 1:
                raise PluginError(f"hook {hook} gives the name {name!r} twice; names are unique.")
            row.contributions.setdefault(hook.removeprefix("maf_"), []).append(name)
        self._given += found

    def _refuse_clashes(self) -> None:
        """A name that two plugins give belongs to neither, except that the core keeps its own."""
        givers: dict[tuple[str, str], list[Contribution]] = defaultdict(list)
        for given in self._given:
            givers[given.hook, given.record.name].append(given)
        for rivals in givers.values():
            if len(rivals) > 1:
                self._refuse(rivals)
        used = {row.name for row in self.rows if row.status is Status.OK}
        for given in self._given:
            if given.plugin in used:
                self._records[given.hook][given.record.name] = given

    def _refuse(self, rivals: list[Contribution]) -> None:
        what = f"{rivals[0].hook} name {rivals[0].record.name!r}"
        owners = " and ".join(f"{given.distribution} ({given.plugin})" for given in rivals)
        for row in self.rows:
            if row.name == BUILTIN or row.name not in {given.plugin for given in rivals}:
                continue
            row.status, row.contributions = Status.FAILED, {}
            row.reason = f"{what} is given by {owners}: none is used. Leave one out: MAF_DISABLE_PLUGINS={row.name}"
            if rivals[0].plugin == BUILTIN:
                row.reason = f"{what} belongs to the core; {row.distribution} must give another."


def _row_from_metadata(
    candidate: Candidate, selection: Selection, candidates: list[Candidate], names: Counter[str], core: str
) -> PluginRow | None:
    """A row for a plugin that must not even be imported, else None."""
    row = PluginRow(candidate.name, candidate.distribution, candidate.version, Status.DISABLED)
    if not selection.wants(candidate.name):
        row.reason = "not selected"
        return row
    if names[candidate.name] > 1 or candidate.name == BUILTIN:
        owners = ["maf"] if candidate.name == BUILTIN else []
        owners += [other.distribution for other in candidates if other.name == candidate.name]
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


def _sentence(error: BaseException, candidate: Candidate) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"it needs {error.name!r}, which is not installed. Run: pip install {error.name}"
    if isinstance(error, PluginError):
        return str(error)
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return f"{what}. Update {candidate.distribution}, or leave it out: MAF_DISABLE_PLUGINS={candidate.name}"

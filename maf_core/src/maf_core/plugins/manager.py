"""Loads plugins one at a time. A plugin that fails at any stage becomes a row with a reason, never an exit."""

from __future__ import annotations

import contextlib
import difflib
import sys
import time
from collections import Counter, defaultdict
from importlib.metadata import version
from typing import TypeVar, cast

import pluggy

from maf_core import builtin, hookspecs
from maf_core.errors import PluginError, UnknownNameError, UnknownPluginError
from maf_core.plugins.deprecated import old_hooks, why_gone, why_old
from maf_core.plugins.discovery import Candidate, discover
from maf_core.plugins.readers import HOOKS, Contribution, read_contributions, reject_coroutine_hooks
from maf_core.plugins.rows import BUILTIN, PluginRow, Status, rows_from_metadata, unknown_rows
from maf_core.plugins.selection import Selection
from maf_core.plugins.tracing import trace
from maf_core.records import Record

# Every command waits for the imports of all plugins; one that takes longer than this is named.
SLOW_MS = 500

RecordT = TypeVar("RecordT", bound=Record)


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

        Raises `UnknownPluginError` when the selection names a plugin that is not there, and `PluginError` in strict
        mode when one is not ok.
        """
        manager = cls()
        selection = selection or Selection.from_environment()
        candidates = discover(selection.folder) if candidates is None else candidates
        manager._prepare(selection, candidates)
        for row, candidate in zip(manager.rows, [_core(), *candidates], strict=False):
            if row.status is Status.NOT_LOADED:
                manager._load(row, candidate, traced=selection.trace)
        manager._refuse_clashes()
        manager._settle(strict=selection.strict)
        return manager

    @classmethod
    def survey(cls, selection: Selection | None = None) -> list[PluginRow]:
        """The rows as far as metadata tells, without importing any plugin."""
        manager = cls()
        selection = selection or Selection.from_environment()
        manager._prepare(selection, discover(selection.folder))
        return manager.rows

    def records(self, hook: str, kind: type[RecordT]) -> dict[str, RecordT]:
        """All records of one hook by name, sorted by name, so that installation order never matters."""
        found = self._records[hook]
        return {name: cast("RecordT", found[name].record) for name in sorted(found)}

    def given(self, hook: str) -> list[Contribution]:
        """The records of one hook with who gave each, by name."""
        found = self._records[hook]
        return [found[name] for name in sorted(found)]

    def contributions(self, plugin: str) -> list[Contribution]:
        """What one plugin gives that is used."""
        used = [given for records in self._records.values() for given in records.values()]
        return [given for given in used if given.plugin == plugin]

    def get(self, hook: str, kind: type[RecordT], name: str) -> RecordT:
        """One record by name; `UnknownNameError` suggests the nearest one and lists what there is."""
        found = self.records(hook, kind)
        if name not in found:
            what = hook.removeprefix("maf_").removesuffix("s").replace("_", " ")
            near = difflib.get_close_matches(name, found, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UnknownNameError(f"There is no {what} {name!r}.{hint} Known: {', '.join(found) or 'none'}.")
        return found[name]

    def _prepare(self, selection: Selection, candidates: list[Candidate]) -> None:
        _refuse_unknown(selection, candidates)
        core = _core()
        self.rows.append(PluginRow(BUILTIN, core.distribution, core.version, Status.NOT_LOADED))
        self.rows += rows_from_metadata(selection, candidates, core.version)
        self.rows += unknown_rows(selection, candidates)

    def _load(self, row: PluginRow, candidate: Candidate, *, traced: bool) -> None:
        # A plugin is other people's code: whatever it raises must end here. SystemExit too: it can call exit().
        try:
            module = _imported(candidate, row)
            self._register(module, candidate.name)
            found = read_contributions(self._pluggy, candidate.name, candidate.distribution)
            if traced:
                trace(candidate.name, found)
            self._keep(found, row)
            row.old_hooks = old_hooks(module)
            row.reason = " ".join(filter(None, [row.reason, *map(why_old, row.old_hooks)]))
            row.status = Status.OK
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
                raise PluginError(why_gone(hook) or f"there is no hook {hook}.{hint}")

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

    def _settle(self, *, strict: bool) -> None:
        """Keep the records of the plugins that are ok."""
        used = {row.name for row in self.rows if row.status is Status.OK}
        for given in self._given:
            if given.plugin in used:
                self._records[given.hook][given.record.name] = given
        broken = [f"{row.name}: {row.reason}" for row in self.rows if not row.fine]
        if strict and broken:
            raise PluginError(f"Plugins are loaded strictly, and not all are ok. {' '.join(broken)}")

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


def _core() -> Candidate:
    return Candidate(BUILTIN, "maf", version("maf"), module=builtin)


def _imported(candidate: Candidate, row: PluginRow) -> object:
    started = time.perf_counter()
    # What a plugin prints on import must not end up in the middle of our JSON.
    with contextlib.redirect_stdout(sys.stderr):
        module = candidate.load()
    row.import_ms = round((time.perf_counter() - started) * 1000, 1)
    if row.import_ms > SLOW_MS:
        row.reason = f"slow: its import took {row.import_ms / 1000:.1f} s; heavy imports belong into the factories."
    return module


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

"""What is installed, read from metadata alone: nothing here imports a plugin."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from maf_core.errors import UsageError

GROUP = "maf"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plugin that could be loaded: an entry point of the group `maf`, a file, or a module that is there already."""

    name: str
    distribution: str
    version: str
    requires: tuple[str, ...] = ()
    entry_point: EntryPoint | None = None
    path: Path | None = None
    module: Any = None

    def load(self) -> Any:
        """Import the plugin's module."""
        if self.entry_point is not None:
            return self.entry_point.load()
        return self.module if self.path is None else _import_file(self.name, self.path)


def discover(folder: Path | None = None) -> list[Candidate]:
    """Every installed plugin and every file of `folder`, by name. Milliseconds, whatever the plugins import."""
    found = [_from_entry_point(point) for point in entry_points(group=GROUP)]
    if folder is not None:
        found += _files(folder)
    return sorted(found, key=lambda candidate: (candidate.name, candidate.distribution))


def _from_entry_point(point: EntryPoint) -> Candidate:
    if point.dist is None:
        return Candidate(point.name, "unknown", "", entry_point=point)
    return Candidate(point.name, point.dist.name, point.dist.version, tuple(point.dist.requires or ()), point)


def _files(folder: Path) -> list[Candidate]:
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder} with plugins. Make it, or name another with --plugins-dir.")
    return [
        Candidate(path.stem, str(path), "", path=path)
        for path in sorted(folder.glob("*.py"))
        if not path.stem.startswith("_")
    ]


def _import_file(name: str, path: Path) -> ModuleType:
    module_name = f"maf_plugins_dir.{name}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # so that a dotted-path factory of the file finds it
    spec.loader.exec_module(module)
    return module

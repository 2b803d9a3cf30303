"""The import lines of existing consumers, and what listing plugins costs."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["stream", "schema"])
def test_the_old_import_lines_give_the_same_names(module: str) -> None:
    old = importlib.import_module(f"maf.arenas.crowd_simulation.{module}")
    new = importlib.import_module(f"maf_plugin_crowd.{module}")
    assert old.__all__ == new.__all__
    assert all(getattr(old, name) is getattr(new, name) for name in new.__all__)


def test_another_arena_installs_beside_this_one() -> None:
    here = importlib.import_module("maf.arenas.crowd_simulation.stream")
    there = importlib.import_module("maf.arenas.trading_intelligence.stream")
    assert here.DEFAULT_STREAM_NAME != there.DEFAULT_STREAM_NAME


def test_nobody_owns_the_namespace() -> None:
    for package in ("maf", "maf.arenas", "maf.arenas.crowd_simulation"):
        spec = importlib.util.find_spec(package)
        assert spec is not None
        assert spec.origin is None, f"{package} has an __init__.py; a second distribution could not install beside it"


def test_the_entry_module_imports_nothing_heavy() -> None:
    code = (
        "import sys, maf_plugin_crowd.plugin as plugin; list(plugin.maf_channels());"
        "print([name for name in ('numpy', 'pydantic', 'redis', 'yaml') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert answer.stdout.strip() == "[]"

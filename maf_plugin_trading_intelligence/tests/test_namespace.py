"""The import line of existing consumers, and what listing plugins costs."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import maf.arenas.trading_intelligence.stream as old
from maf_plugin_trading_intelligence import stream as new


def test_the_old_import_line_gives_the_same_names() -> None:
    assert old.__all__ == new.__all__
    assert all(getattr(old, name) is getattr(new, name) for name in new.__all__)


def test_nobody_owns_the_namespace() -> None:
    for package in ("maf", "maf.arenas", "maf.arenas.trading_intelligence"):
        spec = importlib.util.find_spec(package)
        assert spec is not None
        assert spec.origin is None, f"{package} has an __init__.py; a second distribution could not install beside it"


def test_the_entry_module_imports_nothing_heavy() -> None:
    code = (
        "import sys, maf_plugin_trading_intelligence.plugin as plugin;"
        "[list(getattr(plugin, name)()) for name in dir(plugin) if name.startswith('maf_')];"
        "print([name for name in ('talib', 'numpy', 'pydantic', 'redis', 'yaml') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert answer.stdout.strip() == "[]"

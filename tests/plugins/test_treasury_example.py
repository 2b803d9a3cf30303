"""The stranger's distribution in `examples/` works as it stands, and uses public names only."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import maf_core

EXAMPLE = Path(__file__).parents[2] / "examples" / "maf-plugin-treasury"


@pytest.mark.slow
def test_its_own_tests_pass(installed):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=EXAMPLE,
        env={**os.environ, **installed(EXAMPLE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\b[2-9]\d passed", done.stdout)


def test_it_keeps_the_rules_and_is_listed(maf, installed):
    environment = installed(EXAMPLE)
    checked = maf("plugins", "check", "treasury", **environment)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "treasury_yields" in maf("plugins", "list", "--check", **environment).stdout


def test_it_imports_what_the_documentation_names():
    imported = [
        node
        for path in (EXAMPLE / "src").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("maf_core")
    ]
    assert {node.module for node in imported} == {"maf_core", "maf_core.clock"}
    names = {alias.name for node in imported if node.module == "maf_core" for alias in node.names}
    assert names <= set(maf_core.__all__)

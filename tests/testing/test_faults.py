"""Each rule finds what it is there to find, and nothing else."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

FAULTY = sorted((Path(__file__).parent / "faulty").glob("*.py"))
_FAILED = re.compile(r"^(?:FAILED|ERROR) \S+::(\w+)::test_([a-z]\d\d)_", re.MULTILINE)


def expected(path: Path) -> dict[str, set[str]]:
    spec = importlib.util.spec_from_file_location(f"faulty_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: set(value.breaks.split()) for name, value in vars(module).items() if hasattr(value, "breaks")}


@pytest.mark.parametrize("path", FAULTY, ids=lambda path: path.stem)
def test_every_fault_breaks_its_rules_and_no_other(path: Path):
    options = ["-q", "-rfE", "--tb=short", "-p", "no:cacheprovider", "-o", "addopts=", "--timeout=25"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(path)], capture_output=True, text=True, check=False
    )
    found = defaultdict(set)
    for name, rule in _FAILED.findall(done.stdout):
        found[name].add(rule)
    wanted = expected(path)
    assert {name: found[name] for name in wanted} == wanted, done.stdout + done.stderr

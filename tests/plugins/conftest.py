"""Distributions as an installer would leave them, without running one, and plugins held against the rules."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from maf_core.plugins import Selection
from maf_core.testing.static import RULES, Finding, Subject
from maf_core.testing.static.loading_rules import imports_nothing_heavy, imports_quickly

Environment = dict[str, str]


@pytest.fixture
def installed(tmp_path: Path) -> Callable[[Path], Environment]:
    """The environment in which the distribution in a folder is installed: its `src` and metadata are importable."""

    def make(folder: Path) -> Environment:
        project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
        info = tmp_path / "site" / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        info.mkdir(parents=True)
        requires = "".join(f"Requires-Dist: {requirement}\n" for requirement in project["dependencies"])
        metadata = f"Metadata-Version: 2.4\nName: {project['name']}\nVersion: {project['version']}\n{requires}"
        (info / "METADATA").write_text(metadata)
        points = project["entry-points"]["maf"].items()
        (info / "entry_points.txt").write_text("[maf]\n" + "".join(f"{name} = {path}\n" for name, path in points))
        return {"PYTHONPATH": os.pathsep.join([str(info.parent), str(folder / "src")])}

    return make


@pytest.fixture
def check(tmp_path: Path) -> Callable[..., dict[str, Finding]]:
    """Hold a one-file plugin of this text against all rules, but those that need a new interpreter."""

    def run(text: str, panel: str = "") -> dict[str, Finding]:
        (tmp_path / "mine.py").write_text(text)
        (tmp_path / "panel.yaml").write_text(panel)
        subject = Subject.find("mine", Selection(folder=tmp_path))
        here = [rule for rule in RULES if rule not in (imports_nothing_heavy, imports_quickly)]
        return {finding.rule.id: finding for finding in (Finding.of(rule, subject) for rule in here)}

    return run

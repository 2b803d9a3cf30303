"""Distributions as an installer would leave them, without running one."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

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

"""`maf plugins new`: what it writes works at once, and reads as if we had written it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from maf_core.errors import UsageError
from maf_core.scaffold import KINDS, Names
from maf_core.scaffold import names as naming

ROOT = Path(__file__).parents[2]
LINT = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]


def run(*command: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAF_", "PYTEST_"))}
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=cwd,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def make(maf, tmp_path: Path):
    """Make a plugin; gives its folder."""

    def new(name: str, kind: str) -> Path:
        folder = tmp_path / "made"
        done = maf("plugins", "new", name, "--kind", kind, "--dir", str(folder))
        assert done.returncode == 0, done.stderr
        return folder

    return new


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_what_it_makes_passes_its_own_tests_and_is_listed(make, maf, installed, kind: str):
    folder = make("my_levels", kind)
    environment = installed(folder)
    tested = run("pytest", "-q", "-p", "no:cacheprovider", cwd=folder, **environment)
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert re.search(r"\b([4-9]|\d\d) passed", tested.stdout)
    listed = maf("--plugins", "my_levels", "plugins", "list", "--check", "--json", **environment)
    assert listed.returncode == 0, listed.stdout + listed.stderr
    row = next(row for row in json.loads(listed.stdout) if row["name"] == "my_levels")
    assert (row["distribution"], row["status"], row["reason"]) == ("maf-plugin-my-levels", "ok", "")
    assert row["contributions"][f"{kind}s"] == ["my_levels"]
    checked = maf("plugins", "check", "my_levels", "--json", **environment)
    assert {finding["status"] for finding in json.loads(checked.stdout)} == {"ok"}


@pytest.mark.parametrize("name", ["x", "my_levels", "yields_of_every_treasury"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_it_makes_is_in_the_style_of_this_repository(make, kind: str, name: str):
    folder = make(name, kind)
    ours = ["--select", ",".join(LINT["select"]), "--ignore", ",".join(LINT["ignore"])]
    for rules in (["src", *ours], ["."]):
        linted = run("ruff", "check", "--no-cache", *rules, cwd=folder)
        assert linted.returncode == 0, linted.stdout
    formatted = run("ruff", "format", "--no-cache", "--diff", cwd=folder)
    assert formatted.returncode == 0, formatted.stdout


@pytest.mark.slow
def test_what_it_makes_is_typed(maf, tmp_path: Path):
    folders = [tmp_path / kind for kind in KINDS]
    for folder in folders:
        maf("plugins", "new", f"my_{folder.name}", "--kind", folder.name, "--dir", str(folder))
    config = tmp_path / "mypy.ini"
    config.write_text(f"[mypy]\nstrict = true\nmypy_path = {ROOT / 'maf_core' / 'src'}\nplugins = pydantic.mypy\n")
    typed = run("mypy", "--config-file", str(config), *(str(folder / "src") for folder in folders), cwd=tmp_path)
    assert typed.returncode == 0, typed.stdout


def test_it_declares_the_versions_of_the_core_that_it_was_made_for(make):
    project = tomllib.loads((make("my_levels", "source") / "pyproject.toml").read_text())["project"]
    needed = Requirement(project["dependencies"][0])
    assert needed.specifier.contains(version("maf"), prereleases=True)
    assert project["name"] == "maf-plugin-my-levels"


@pytest.mark.parametrize(
    ("core", "expected"),
    [
        ("0.1.0", "maf>=0.1,<0.2"),
        ("0.9.4", "maf>=0.9,<0.10"),
        ("1.2.3", "maf>=1.2,<2"),
        ("2.0.0rc1", "maf>=2.0.0rc1,<3"),
    ],
)
def test_the_requirement_begins_here_and_ends_before_the_next_breaking_version(monkeypatch, core, expected):
    monkeypatch.setattr(naming, "version", lambda _: core)
    assert naming.requirement() == expected
    assert Requirement(expected).specifier.contains(core, prereleases=True)


def test_it_says_what_it_made_and_what_to_do_next(maf, tmp_path: Path):
    folder = tmp_path / "mine"
    said = maf("plugins", "new", "my_levels", "--dir", str(folder)).stdout
    for path in (path for path in folder.rglob("*") if path.is_file()):
        assert f"  {path.relative_to(folder)}\n" in said
    for command in (f"cd {folder}", "pip install -e '.[test]'", "pytest", "maf plugins check my_levels"):
        assert f"  {command}\n" in said


@pytest.mark.parametrize(
    "name", ["MyLevels", "my-levels", "1st", "a b", "", "x__y", "_x", "x_", "class", "ä", "x" * 25]
)
def test_a_name_that_cannot_be_one_is_refused_with_one_that_can(maf, tmp_path: Path, name: str):
    done = maf("plugins", "new", "--dir", str(tmp_path / "made"), "--", name)
    assert done.returncode == 2
    assert "cannot name a plugin" in done.stderr
    assert "Traceback" not in done.stderr
    suggested = re.search(r"for example (\w+)\.", done.stderr)
    assert suggested
    assert Names.of(suggested[1])
    assert not (tmp_path / "made").exists()


@given(st.text(max_size=40))
def test_any_text_is_a_name_or_gets_a_sentence(name: str):
    try:
        names = Names.of(name)
    except UsageError:
        return
    assert names.package.isidentifier()
    assert names.prefix.isidentifier()
    assert canonicalize_name(names.distribution) == names.distribution


@pytest.mark.parametrize(("name", "owner"), [("paper", "maf-plugin-paper"), ("core", "maf")])
def test_the_name_of_an_installed_plugin_is_refused(maf, tmp_path: Path, name: str, owner: str):
    done = maf("plugins", "new", name, "--dir", str(tmp_path / "made"))
    assert done.returncode == 2
    assert f"There is a plugin {name!r} already, of the distribution {owner}." in done.stderr


@pytest.mark.parametrize("name", ["base", "agent", "plugin", "source"])
def test_a_name_whose_classes_would_hide_those_of_maf_is_refused(name: str):
    with pytest.raises(UsageError, match="MAF's own"):
        Names.of(name)


def test_a_folder_with_something_in_it_is_left_alone(maf, tmp_path: Path):
    (tmp_path / "mine.txt").write_text("mine")
    done = maf("plugins", "new", "my_levels", "--dir", str(tmp_path))
    assert done.returncode == 2
    assert f"{tmp_path} is not empty" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_that_cannot_be_made_is_a_sentence(maf, tmp_path: Path):
    (tmp_path / "file").write_text("")
    done = maf("plugins", "new", "my_levels", "--dir", str(tmp_path / "file"))
    assert done.returncode == 2
    assert "cannot be written" in done.stderr

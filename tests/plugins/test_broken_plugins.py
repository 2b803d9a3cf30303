"""Installed plugins that are broken, each in its way: every one is a row with a reason, none an exit."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

DATA = Path(__file__).parent / "data"
FOLDERS = sorted(folder for folder in DATA.iterdir() if folder.is_dir() and folder.name != "__pycache__")

# Distribution: status, and what the reason must name. The last is what the user can do about it.
BROKEN = {
    "maf-t-import-error": ("failed", ["PriceOracleSpec", "MAF_DISABLE_PLUGINS=import_error"]),
    "maf-t-missing-dependency": ("failed", ["'a_package_nobody_has'", "pip install a_package_nobody_has"]),
    "maf-t-wrong-argument": ("failed", ["maf_sources", "settings", "MAF_DISABLE_PLUGINS=wrong_argument"]),
    "maf-t-misspelt-hook": ("failed", ["maf_sorces", "Did you mean maf_sources?"]),
    "maf-t-coroutine-hook": ("failed", ["maf_sources is a coroutine", "Hooks are plain functions"]),
    "maf-t-twin-a": ("duplicate", ["maf-t-twin-a", "maf-t-twin-b", "uninstall all but one"]),
    "maf-t-twin-b": ("duplicate", ["maf-t-twin-a", "maf-t-twin-b", "uninstall all but one"]),
    "maf-t-clash-a": ("failed", ["'shared_prices'", "maf-t-clash-a", "maf-t-clash-b", "MAF_DISABLE_PLUGINS"]),
    "maf-t-clash-b": ("failed", ["'shared_prices'", "maf-t-clash-a", "maf-t-clash-b", "MAF_DISABLE_PLUGINS"]),
    "maf-t-takes-core-name": ("failed", ["'synthesis'", "the core"]),
    "maf-t-incompatible": ("incompatible", ["needs maf>=9", "pip install -U maf maf-t-incompatible"]),
    "maf-t-raises-in-hook": ("failed", ["LookupError", "the moon is full", "MAF_DISABLE_PLUGINS=raises_in_hook"]),
    "maf-t-rubbish": ("failed", ["maf_sources gave int", "give SourceSpec records"]),
    "maf-t-exits": ("failed", ["SystemExit", "3", "MAF_DISABLE_PLUGINS=exits"]),
}


def path_of(*folders: Path) -> str:
    return os.pathsep.join(map(str, folders))


@pytest.fixture(scope="module")
def rows(maf):
    done = maf("plugins", "list", "--all", "--json", PYTHONPATH=path_of(*FOLDERS))
    assert done.returncode == 0, done.stderr
    return {row["distribution"]: row for row in json.loads(done.stdout)}


@pytest.mark.parametrize("distribution", BROKEN)
def test_a_broken_plugin_is_a_row_that_says_why_and_what_to_do(rows, distribution):
    status, words = BROKEN[distribution]
    row = rows[distribution]
    assert row["status"] == status
    assert [word for word in words if word not in row["reason"]] == [], row["reason"]
    assert "\n" not in row["reason"]


@pytest.mark.parametrize("distribution", BROKEN)
def test_a_broken_plugin_gives_nothing(rows, distribution):
    assert rows[distribution]["contributions"] == {}


def test_every_broken_plugin_here_is_tried():
    names = {folder.name for folder in FOLDERS} - {"good", "noisy", "slow"}  # odd, but they work
    assert names == {distribution.removeprefix("maf-t-").replace("-", "_") for distribution in BROKEN}


def test_a_plugin_beside_broken_ones_works(rows):
    assert rows["maf-t-good"]["status"] == "ok"
    assert rows["maf-t-good"]["contributions"] == {"sources": ["good_prices"]}


def test_the_core_keeps_what_others_claim(rows):
    assert rows["maf"]["status"] == "ok"
    assert "synthesis" in rows["maf"]["contributions"]["agents"]


def test_an_incompatible_plugin_is_not_imported(rows):
    assert rows["maf-t-incompatible"]["import_ms"] is None


def test_the_table_shows_each_status_and_reason(maf):
    done = maf("plugins", "list", PYTHONPATH=path_of(DATA / "good", DATA / "misspelt_hook"))
    assert done.returncode == 0
    line = next(line for line in done.stdout.splitlines() if line.startswith("misspelt_hook"))
    assert line.split()[:3] == ["misspelt_hook", "1.0", "failed"]
    assert line.endswith("Did you mean maf_sources?")
    assert "sources: good_prices" in done.stdout


@pytest.mark.parametrize(("folder", "code"), [("good", 0), ("exits", 1), ("incompatible", 1), ("twin_a", 0)])
def test_check_fails_on_a_plugin_that_is_not_used(maf, folder, code):
    only = "good" if folder == "good" else f"good,{folder.removesuffix('_a')}"
    path = path_of(DATA / "good", DATA / folder)
    assert maf("plugins", "list", "--check", PYTHONPATH=path, MAF_PLUGINS=only).returncode == code


def test_check_does_not_mind_a_disabled_one(maf):
    path = path_of(DATA / "good", DATA / "exits")
    done = maf("plugins", "list", "--check", PYTHONPATH=path, MAF_DISABLE_PLUGINS="exits")
    assert done.returncode == 0
    assert "not selected" in done.stdout


def test_one_of_two_clashing_plugins_can_be_disabled(maf):
    path = path_of(DATA / "clash_a", DATA / "clash_b")
    done = maf("plugins", "list", "--json", PYTHONPATH=path, MAF_DISABLE_PLUGINS="clash_b")
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows["clash_a"]["contributions"] == {"sources": ["shared_prices"]}
    assert rows["clash_b"]["status"] == "disabled"


def test_selecting_a_plugin_nobody_installed_says_which_ones_there_are(maf):
    done = maf("plugins", "list", PYTHONPATH=path_of(DATA / "good"), MAF_PLUGINS="goood")
    assert done.returncode == 2
    assert done.stderr.startswith("maf: There is no plugin 'goood'")
    assert "Did you mean 'good'?" in done.stderr
    assert "Traceback" not in done.stderr

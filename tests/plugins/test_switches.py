"""The switches that say which plugins to load and how strictly, and the commands that show the result."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

DATA = Path(__file__).parent / "data"
EVERYTHING = os.pathsep.join(str(folder) for folder in sorted(DATA.iterdir()) if folder.is_dir())
ONE_FILE = """
from maf_core import SourceSpec, hookimpl


@hookimpl
def maf_sources():
    yield SourceSpec(name="file_prices", factory="maf_plugins_dir.mine:Prices", summary="From one file")


class Prices:
    pass
"""


def names(done) -> list[str]:
    assert done.returncode == 0, done.stderr
    return [row["name"] for row in json.loads(done.stdout) if row["status"] == "ok"]


def good(folder: str = "good") -> str:
    return str(DATA / folder)


def test_no_plugins_loads_none(maf):
    assert names(maf("--no-plugins", "plugins", "list", "--json", PYTHONPATH=good())) == []


def test_no_plugins_counts_before_anything_is_imported(maf):
    done = maf("--no-plugins", "plugins", "list", PYTHONPATH=good("noisy"))
    assert "noisy was here" not in done.stdout + done.stderr


def test_plugins_on_the_command_line_win_over_the_environment(maf):
    done = maf("--plugins", "good", "plugins", "list", "--json", PYTHONPATH=good(), MAF_PLUGINS="paper")
    assert names(done) == ["good"]


def test_what_a_plugin_prints_on_import_does_not_spoil_json(maf):
    done = maf("--plugins", "noisy", "plugins", "list", "--json", PYTHONPATH=good("noisy"))
    assert names(done) == ["noisy"]
    assert "noisy was here" in done.stderr


def test_a_slow_plugin_works_and_is_named_with_its_time(maf):
    done = maf("--plugins", "slow", "plugins", "list", "--json", PYTHONPATH=good("slow"))
    assert names(done) == ["slow"]
    row = next(row for row in json.loads(done.stdout) if row["name"] == "slow")
    assert row["import_ms"] >= 600
    assert "its import took" in row["reason"]


def test_no_load_imports_nothing(maf):
    done = maf("plugins", "list", "--no-load", "--json", PYTHONPATH=EVERYTHING)
    assert done.returncode == 0, done.stderr
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows["noisy"]["status"] == "not loaded"
    assert rows["incompatible"]["status"] == "incompatible"
    assert {row["import_ms"] for row in rows.values()} == {None}
    assert "noisy was here" not in done.stderr


def test_strict_mode_makes_a_broken_plugin_an_error_that_names_it(maf):
    done = maf("plugins", "list", PYTHONPATH=good("misspelt_hook"), MAF_STRICT_PLUGINS="1")
    assert done.returncode == 1
    assert "misspelt_hook: there is no hook maf_sorces" in done.stderr
    assert "Traceback" not in done.stderr


def test_strict_mode_is_content_with_plugins_that_are_ok(maf):
    assert maf("plugins", "list", PYTHONPATH=good(), MAF_STRICT_PLUGINS="1").returncode == 0


def test_trace_says_who_gives_what(maf):
    done = maf("--plugins", "good", "plugins", "list", PYTHONPATH=good(), MAF_TRACE_PLUGINS="1")
    assert "maf: good maf_sources → good_prices (json:loads)" in done.stderr


def test_a_disabled_name_that_nobody_has_shows(maf):
    done = maf("plugins", "list", "--json", MAF_DISABLE_PLUGINS="papper")
    row = next(row for row in json.loads(done.stdout) if row["name"] == "papper")
    assert (row["status"], row["reason"]) == ("disabled", "not installed")


def test_a_file_in_the_plugins_folder_is_a_plugin(maf, tmp_path: Path):
    (tmp_path / "mine.py").write_text(ONE_FILE)
    (tmp_path / "_helper.py").write_text("raise RuntimeError")
    done = maf("--plugins-dir", str(tmp_path), "plugins", "list", "--json")
    row = next(row for row in json.loads(done.stdout) if row["name"] == "mine")
    assert row["status"] == "ok"
    assert row["distribution"] == str(tmp_path / "mine.py")
    assert row["contributions"] == {"sources": ["file_prices"]}


def test_a_broken_file_is_a_row_too(maf, tmp_path: Path):
    (tmp_path / "mine.py").write_text("1 / 0")
    done = maf("plugins", "list", "--json", MAF_PLUGINS_DIR=str(tmp_path))
    row = next(row for row in json.loads(done.stdout) if row["name"] == "mine")
    assert row["status"] == "failed"
    assert "ZeroDivisionError" in row["reason"]


def test_a_plugins_folder_that_is_not_there_is_said(maf, tmp_path: Path):
    done = maf("--plugins-dir", str(tmp_path / "nowhere"), "plugins", "list")
    assert done.returncode == 2
    assert "--plugins-dir" in done.stderr


def test_show_tells_everything_about_one(maf):
    done = maf("plugins", "show", "good", "--json", PYTHONPATH=good())
    shown = json.loads(done.stdout)
    assert shown["records"] == [{"hook": "maf_sources", "name": "good_prices", "summary": "Prices"}]
    assert "json:loads" in maf("plugins", "show", "good", PYTHONPATH=good()).stdout


def test_show_says_what_is_wrong_with_a_broken_one(maf):
    assert "the moon is full" in maf("plugins", "show", "raises_in_hook", PYTHONPATH=good("raises_in_hook")).stdout


def test_show_knows_no_stranger(maf):
    done = maf("plugins", "show", "stranger")
    assert done.returncode == 2
    assert "There is no plugin 'stranger'" in done.stderr


def test_doctor_works_with_every_broken_plugin_and_names_each(maf):
    done = maf("doctor", "--json", "--redis", "embedded", PYTHONPATH=EVERYTHING)
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == 1
    assert findings["plugin good"]["ok"]
    for name in ("import_error", "missing_dependency", "rubbish", "exits", "twin", "incompatible"):
        assert not findings[f"plugin {name}"]["ok"]
        assert name in findings[f"plugin {name}"]["fix"]


@pytest.mark.parametrize("broken", ["import_error", "exits", "rubbish", "noisy", "coroutine_hook"])
def test_doctor_is_content_apart_from_the_broken_one(maf, broken: str):
    done = maf("doctor", "--json", "--redis", "embedded", PYTHONPATH=good(broken))
    wrong = [finding["name"] for finding in json.loads(done.stdout) if not finding["ok"]]
    assert wrong == ([] if broken == "noisy" else [f"plugin {broken}"])

"""`maf plugins check`: a rule each, kept or broken, with what to do about it."""

from __future__ import annotations

import json
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from maf_core.plugins import Candidate, Selection
from maf_core.testing.static import RULES, Finding, Subject
from maf_core.testing.static.importing import import_cost
from maf_core.testing.static.loading_rules import declares_the_core

DATA = Path(__file__).parent / "data"
BASE = """
from maf_core import AgentSpec, ArenaSpec, SourceSpec, WorkerSpec, hookimpl
from maf_core import BaseSource, SourceConfig, SourceResult, StreamFreshness


class Sound(BaseSource):
    name = "file_prices"

    @classmethod
    def freshness_spec(cls, config):
        return StreamFreshness("file:prices")

    async def fetch(self, query):
        return SourceResult(None, gaps=("no_file_prices",))


@hookimpl
def maf_sources():
    yield SourceSpec(name="file_prices", factory=Sound, summary="Prices of a test")
"""
NO_DECORATOR = BASE.replace("@hookimpl\n", "")
NO_SUMMARY = BASE.replace("Prices of a test", " ")
WRONG_PATH = BASE.replace("factory=Sound", 'factory="maf_nowhere.source:Prices"')
NO_SOURCE = BASE.replace("factory=Sound", "factory=dict")
LOOSE_CONFIG = BASE.replace("    name =", "    class Config(SourceConfig, extra='ignore'):\n        pass\n    name =")
NO_FRESHNESS = BASE.replace("def freshness_spec", "def freshness")
OLD = NO_FRESHNESS.replace("class Sound(BaseSource):", "class Sound:\n    Config = SourceConfig")
HEAVY = "import fastapi\n" + BASE
SLOW = "import time\ntime.sleep(0.6)\n" + BASE
BROKEN = "1 / 0\n" + BASE
AGENT = BASE + "\n\n@hookimpl\ndef maf_agents():\n    yield AgentSpec(name='a_role', factory=Sound, summary='x')\n"
WORKER = BASE + "\n\n@hookimpl\ndef maf_workers():\n    yield WorkerSpec(name='w', factory=lambda: None, summary='x')\n"
ARENA = """

@hookimpl
def maf_arenas():
    from pathlib import Path
    yield ArenaSpec(name="a_panel", factory=lambda: Path(__file__).with_name("panel.yaml"), summary="x")
"""
PANEL = "name: {name}\nphases: [{{name: decide, agents: [{{name: verdict, role: {role}}}]}}]\n"


@pytest.fixture
def check_command(maf, tmp_path: Path):
    """`maf plugins check` on a one-file plugin of this text; gives the exit code and the status of each rule."""

    def run(text: str) -> tuple[int, dict[str, str]]:
        (tmp_path / "mine.py").write_text(text)
        done = maf("--plugins-dir", str(tmp_path), "plugins", "check", "mine", "--json")
        return done.returncode, {finding["id"]: finding["status"] for finding in json.loads(done.stdout)}

    return run


def statuses(findings: dict[str, Finding], status: str) -> list[str]:
    return [rule for rule, finding in findings.items() if finding.status == status]


@pytest.mark.parametrize("panel", ["", PANEL.format(name="a_panel", role="synthesis")])
def test_a_sound_plugin_keeps_every_rule(check, panel):
    findings = check(BASE + (ARENA if panel else ""), panel)
    assert statuses(findings, "ok") == list(findings)


def test_the_command_goes_through_every_rule(check_command):
    code, findings = check_command(BASE)
    assert (code, set(findings.values())) == (0, {"ok"})
    assert list(findings) == [f"MAF-P{number:02}" for number in range(1, len(RULES) + 1)]


@pytest.mark.parametrize(("text", "rule"), [(HEAVY, "MAF-P03"), (SLOW, "MAF-P04")])
def test_a_costly_import_is_found_in_a_new_interpreter(check_command, text, rule):
    code, findings = check_command(text)
    assert (code, [name for name, status in findings.items() if status != "ok"]) == (1, [rule])


@pytest.mark.parametrize(
    ("text", "rules", "words"),
    [
        (BROKEN, ["MAF-P01"], "ZeroDivisionError"),
        (NO_DECORATOR, ["MAF-P02"], "@hookimpl"),
        (NO_SUMMARY, ["MAF-P05"], "'file_prices' has no summary"),
        (WRONG_PATH, ["MAF-P07"], "maf_nowhere"),
        (NO_SOURCE, ["MAF-P07"], "BaseSource"),
        (AGENT, ["MAF-P07"], "'a_role' is not an Agent subclass"),
        (WORKER, ["MAF-P07"], "callable with the AppContext"),
        (LOOSE_CONFIG, ["MAF-P08"], "takes unknown keys"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_a_broken_rule_is_named_with_what_to_do(check, text, rules, words):
    findings = check(text)
    assert statuses(findings, "BAD") == rules
    (fault,) = findings[rules[0]].faults
    assert words in f"{fault.what} {fault.fix}"
    assert fault.fix


@pytest.mark.parametrize(
    ("panel", "words"),
    [
        ("name: a_panel", "phases"),
        (PANEL.format(name="a_panel", role="oracle"), "oracle"),
        (PANEL.format(name="another", role="synthesis"), "'another'"),
        ("name: [", "this is not YAML"),
    ],
)
def test_an_arena_that_does_not_fit_is_named(check, panel, words):
    findings = check(BASE + ARENA, panel)
    assert statuses(findings, "BAD") == ["MAF-P10"]
    assert words in findings["MAF-P10"].faults[0].what


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (NO_FRESHNESS, "is shown as unknown"),
        (OLD, "is shown as unknown"),
        (NO_FRESHNESS.replace("file_prices", "polymarket_gamma"), "is taken from a table of old adapters"),
    ],
)
def test_an_old_adapter_without_freshness_is_to_be_migrated_and_no_failure(check, text, words):
    findings = check(text)
    assert (statuses(findings, "old"), statuses(findings, "BAD")) == (["MAF-P09"], [])
    assert findings["MAF-P09"].ok
    assert "to be migrated" in findings["MAF-P09"].faults[0].what
    assert words in findings["MAF-P09"].faults[0].what


def test_each_rule_is_a_line(maf):
    done = maf("plugins", "check", "core")
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert [line[:4] for line in lines] == ["ok  "] * len(lines)
    assert [line.split()[1] for line in lines] == [f"MAF-P{number:02}" for number in range(1, len(lines) + 1)]


@pytest.mark.parametrize(
    ("requires", "status"),
    [
        ("", "BAD"),
        ("Requires-Dist: maf\n", "BAD"),
        ("Requires-Dist: maf>=0.1\n", "BAD"),
        ('Requires-Dist: maf<1; extra == "later"\n', "BAD"),
        ("Requires-Dist: redis<9\n", "BAD"),
        ("Requires-Dist: maf>=0.1,<0.2\n", "ok"),
        ("Requires-Dist: maf~=0.1\n", "ok"),
    ],
)
def test_a_distribution_says_up_to_which_core_it_goes(monkeypatch, tmp_path: Path, requires, status):
    info = tmp_path / "maf_t_ranged-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: maf-t-ranged\nVersion: 1.0\n{requires}")
    (info / "entry_points.txt").write_text("[maf]\nranged = maf_t_ranged\n")
    (tmp_path / "maf_t_ranged.py").write_text(BASE.replace("file_prices", "ranged_prices"))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "maf_t_ranged", raising=False)
    assert Finding.of(declares_the_core, Subject.find("ranged", Selection())).status == status


def test_an_entry_module_that_holds_its_source_too_is_heavy(monkeypatch, tmp_path: Path):
    (tmp_path / "maf_t_whole.py").write_text(BASE)
    point = EntryPoint("whole", "maf_t_whole", "maf")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "pydantic" in import_cost(Candidate("whole", "maf-t-whole", "1", entry_point=point)).heavy


@pytest.mark.parametrize("name", ["import_error", "exits", "incompatible"])
def test_a_plugin_that_does_not_load_is_checked_all_the_same(maf, name):
    done = maf("plugins", "check", name, PYTHONPATH=str(DATA / name))
    assert done.returncode == 1
    assert done.stdout.startswith("BAD MAF-P01")
    assert "Traceback" not in done.stdout + done.stderr


def test_a_factory_that_prints_or_exits_is_a_finding(maf, tmp_path: Path):
    (tmp_path / "mine.py").write_text(BASE.replace("factory=Sound", 'factory="maf_t_leaves:Prices"'))
    (tmp_path / "maf_t_leaves.py").write_text("print('bye')\nraise SystemExit(3)")
    done = maf("--plugins-dir", str(tmp_path), "plugins", "check", "mine", "--json", PYTHONPATH=str(tmp_path))
    findings = {finding["id"]: finding for finding in json.loads(done.stdout)}
    assert findings["MAF-P07"]["status"] == "BAD"
    assert "SystemExit" in findings["MAF-P07"]["faults"][0]["what"]


def test_a_stranger_is_refused(maf):
    done = maf("plugins", "check", "stranger")
    assert done.returncode == 2
    assert "There is no plugin 'stranger'" in done.stderr

"""What the documentation shows is what the code does."""

from __future__ import annotations

import importlib
import re
import runpy
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from maf_core.arenas.config import load_arena
from maf_core.arenas.engine import ArenaEngine
from maf_core.arenas.run import RunRequest
from maf_core.checking import check_arena
from maf_core.plugins import Candidate, PluginManager, Selection
from maf_core.plugins.readers import HOOKS
from maf_core.settings import LLMSettings, Settings
from maf_core.sources.base import SourceQuery
from maf_core.streams.publish import publish

HERE = Path(__file__).parent
DOCS = HERE.parent.parent / "docs"
ARENAS = ("minimal_arena.yaml", "debating_arena.yaml")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)


def test_the_arena_in_the_docs_is_the_tested_file():
    files = [(HERE / name).read_text() for name in ARENAS]
    assert blocks("arenas.md", "yaml") == files


@pytest.mark.parametrize("name", ARENAS)
async def test_the_arena_in_the_docs_decides_with_the_plugins_it_names(name, make_context):
    plugins, arena = PluginManager.load(Selection()), load_arena(HERE / name)
    check_arena(plugins, arena)
    request = RunRequest(arena.name, {"ticker": "AAPL"}, datetime(2024, 1, 2, 21, tzinfo=UTC), name)
    done = await ArenaEngine(make_context(plugins=plugins, arenas=[arena])).run(request)
    assert (done.error, done.state["synthesis_verdict"]) == (None, "HOLD")  # nobody has data
    assert [timing["phase"] for timing in done.state["phase_timings"]] == [phase.name for phase in arena.phases]


def test_the_plugin_in_the_docs_is_the_tested_package():
    package = HERE / "plugin_example" / "maf_plugin_mine"
    files = [(package / name).read_text() for name in ("plugin.py", "source.py")]
    shown = [block.split("\n", 1)[1] for block in blocks("plugins/index.md", "python")]
    assert shown == files


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(HERE / "plugin_example"))
    yield importlib.import_module("maf_plugin_mine.plugin")
    for name in [name for name in sys.modules if name.startswith("maf_plugin_mine")]:
        del sys.modules[name]


async def test_the_plugin_in_the_docs_works(example, make_context, redis):
    manager = PluginManager.load(Selection(), [Candidate("mine", "maf-plugin-mine", "0.1.0", module=example)])
    source = make_context(plugins=manager).sources.get("my_levels")
    await publish(redis, "mine:levels", {"symbol": "AAPL", "ts": "2024-01-02T00:00:00Z", "level": 1.5})
    await publish(redis, "mine:levels", {"symbol": "AAPL", "ts": "2024-01-04T00:00:00Z", "level": 9.0})
    await publish(redis, "mine:levels", {"symbol": "AAPL"})
    known = await source.fetch(SourceQuery({"ticker": "AAPL"}, datetime(2024, 1, 3, tzinfo=UTC)))
    assert known.data == 1.5
    before = await source.fetch(SourceQuery({"ticker": "AAPL"}, datetime(2024, 1, 1, tzinfo=UTC)))
    assert (before.data, before.gaps) == (None, ("no_my_levels",))


def test_every_hook_is_in_the_docs():
    page = (DOCS / "plugins" / "index.md").read_text()
    assert [hook for hook in HOOKS if f"`{hook}`" not in page] == []


def test_the_hook_reference_is_what_the_docstrings_say():
    program = DOCS / "plugins" / "generate_hooks.py"
    assert runpy.run_path(str(program))["page"]() == (DOCS / "plugins" / "hooks.md").read_text()


def test_every_setting_is_in_the_docs():
    page = (DOCS / "service.md").read_text()
    names = [name for name in Settings.model_fields if name not in ("control", "risk", "plugins")]
    names += [f"control.{name}" for name in type(Settings().control).model_fields]
    names += [f"risk.{name}" for name in Settings().risk.model_fields_set or type(Settings().risk).model_fields]
    assert [name for name in names if f"`{name}`" not in page] == []


def test_every_setting_of_models_is_in_the_docs():
    page = (DOCS / "llm.md").read_text()
    assert [name for name in LLMSettings.model_fields if f"`llm.{name}" not in page] == []


def test_every_link_in_the_docs_leads_somewhere():
    pages = [DOCS.parent / "README.md", DOCS.parent / "CHANGELOG.md", *DOCS.rglob("*.md")]
    broken = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert broken == []

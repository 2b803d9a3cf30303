"""What the pages on agents show is valid."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from maf_core.arenas.config import ArenaConfig
from maf_core.checking import check_arena
from maf_core.llm.profiles import profile_of
from maf_core.plugins import PluginManager, Selection
from maf_plugin_trading_intelligence.arena import arena_file

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page: str) -> list[dict]:
    found = re.findall(r"```yaml\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return [yaml.safe_load(block) for block in found]


SHIPPED = yaml.safe_load(arena_file().read_text(encoding="utf-8"))
ARENAS = [*blocks("agents.md"), *({**SHIPPED, **block} for block in blocks("trading-intelligence.md"))]


@pytest.mark.parametrize("content", ARENAS, ids=lambda content: content["name"])
def test_the_arenas_in_the_docs_are_valid(content):
    arena = ArenaConfig.model_validate(content)
    check_arena(PluginManager.load(Selection()), arena)
    named = [arena.model, *(agent.model for phase in arena.phases for agent in phase.agents)]
    for model in named:
        kind, _, name = (model or "rules").partition(":")
        assert kind in ("rules", "ollama") or profile_of(name, {})


def test_the_defaults_in_the_docs_are_those_of_the_code():
    from maf_core.agents.debater import DebaterOptions
    from maf_core.agents.ensemble import WeighingOptions
    from maf_core.agents.replan import ReplanOptions

    page = (DOCS / "agents.md").read_text(encoding="utf-8")
    assert f"`threshold` ({WeighingOptions().threshold:g})" in page
    assert f"`concede_at` ({DebaterOptions().concede_at:g})" in page
    assert f"`min_confidence` ({ReplanOptions(back_to='x').min_confidence:g})" in page

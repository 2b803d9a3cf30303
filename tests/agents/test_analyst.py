"""An analyst: a panel member that is nothing but YAML and a model."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from maf_core import SourceResult
from maf_core.agents.analyst import AnalystAgent
from maf_core.arenas.config import AgentConfig, ArenaConfig
from maf_core.errors import ConfigError

DATA = {"reports": SourceResult([{"title": "Shortage of chips"}], datetime(2024, 3, 1, tzinfo=UTC))}
OPTIONS = {"domain": "supply chains", "instructions": "Look for {shortages} and delays."}


def never(messages, info):
    raise AssertionError("a model was asked")


async def test_it_does_what_its_instructions_say(member, say):
    def bearish(messages, info):
        return say.final(info, signal="BEARISH", confidence=0.7, summary="No chips.")

    done = await member(AnalystAgent, answers=DATA, says=bearish, options=OPTIONS)
    signal = done.patch["signals"]["it"]
    assert (signal["domain"], signal["signal"], signal["confidence"]) == ("supply chains", "BEARISH", 0.7)
    assert "specialist for supply chains" in done.asked[0].instructions
    assert "Look for {shortages} and delays." in done.asked[0].instructions


async def test_without_a_model_it_abstains_and_says_what_to_do(member):
    done = await member(AnalystAgent, answers=DATA, options=OPTIONS)
    assert "needs a model: set `model:`" in done.patch["abstentions"]["it"]
    assert done.patch["signals"] == {"it": None}


async def test_without_data_it_abstains_and_asks_nobody(member):
    done = await member(AnalystAgent, answers={"reports": SourceResult(None)}, says=never, options=OPTIONS)
    assert done.patch["abstentions"] == {"it": "no data"}


async def test_when_its_model_fails_it_abstains(member):
    def breaks(messages, info):
        raise ConnectionError("gone")

    done = await member(AnalystAgent, answers=DATA, says=breaks, options=OPTIONS)
    assert done.patch["abstentions"]["it"]
    assert done.patch["llm_failed"]["it"]


def test_it_needs_a_source():
    config = AgentConfig(name="it", role="analyst", options=OPTIONS)
    arena = ArenaConfig.model_validate({"name": "panel", "phases": [{"name": "look", "agents": [config.model_dump()]}]})
    with pytest.raises(ConfigError, match="'it' has no sources"):
        AnalystAgent(config).check(arena)


@pytest.mark.parametrize("options", [{}, {"instructions": ""}, {**OPTIONS, "tools": ["shell"]}])
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ConfigError, match="options of agent 'it'"):
        AnalystAgent(AgentConfig(name="it", role="analyst", options=options))

"""When a weak verdict is worth another look: for gaps that another look may cure, and never because of text."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from maf_core import AgentSignal, AgentSpec, SourceResult, SpecialistAgent

DATA = SourceResult([1], datetime(2024, 3, 1, tzinfo=UTC))
SURE = {"signal": "BULLISH", "confidence": 0.9, "summary": "Up."}


class Faint(SpecialistAgent):
    """Too unsure for an action, and so is whoever holds because of it."""

    def routine(self, data, state):
        return AgentSignal(signal="BULLISH", confidence=0.1, summary="hardly anything")


FAINT = AgentSpec(name="faint", factory=Faint)


def phases(*agents: dict, back_to: str = "look", min_confidence: float = 0.5) -> list[dict]:
    options = {"back_to": back_to, "min_confidence": min_confidence}
    return [
        {"name": "look", "pattern": "parallel", "agents": list(agents)},
        {"name": "decide", "agents": [{"name": "verdict", "role": "synthesis", "model": "rules"}]},
        {"name": "again", "agents": [{"name": "replan", "role": "replan", "options": options}]},
    ]


def reader(name: str = "reader", source: str = "prices") -> dict:
    return {"name": name, "role": "faint", "sources": [source]}


def fails_first(say):
    """A model whose first three answers, those of one look, are rubbish."""
    said = []

    def model(messages, info):
        said.append(messages)
        return say.final(info, **(SURE if len(said) > 3 else {"signal": "MOON"}))

    return model


async def looks(panel_run, panel, answering, model, *, untrusted=False):
    sources = {"prices": {"source": "prices"}}
    arena = panel(*phases(reader()), sources=sources, model="scripted:it", max_iterations=2)
    return await panel_run(arena, FAINT, answering("prices", DATA, untrusted), says=model)


async def test_an_answer_that_could_not_be_read_is_worth_another_look(panel_run, panel, answering, say):
    done = await looks(panel_run, panel, answering, fails_first(say))
    assert done.meta["iterations"] == 1
    assert done.state["synthesis_verdict"] == "BUY"
    assert done.state["llm_failed"] == {"reader": None}
    assert done.state["agent_gaps"] == {"reader": []}


async def test_it_ends_after_max_iterations(panel_run, panel, answering, say):
    done = await looks(panel_run, panel, answering, lambda m, info: say.final(info))
    assert done.meta["iterations"] == 2
    assert done.state["replan"]["gaps"] == ["parse_fail_reader"]


async def test_text_causes_no_other_look(panel_run, panel, answering, say):
    done = await looks(panel_run, panel, answering, fails_first(say), untrusted=True)
    assert done.meta["iterations"] == 0
    assert done.state["llm_failed"]["reader"].startswith("BadAnswerError")


@pytest.mark.parametrize(
    ("marker", "again"), [("parse_fail_x", 1), ("no_x", 1), ("stale_x", 1), ("slow_x", 0), ("llm_failed_x", 0)]
)
async def test_which_markers_of_agents_are_gaps_in_the_data(panel_run, panel, role, marker, again):
    async def leaves(agent, state, context):
        return {"agent_gaps": {agent.name: [marker]}}

    arena = panel(*phases({"name": "a", "role": "leaves"}), max_iterations=1)
    done = await panel_run(arena, role("leaves", leaves))
    assert done.meta["iterations"] == again


@pytest.mark.parametrize(("text", "weight"), [("BEARISH", 1.0), ("BULLISH", 1.0), ("NEUTRAL", 5.0)])
async def test_how_sure_text_makes_the_panel_does_not_matter(panel_run, panel, role, speaker, text, weight):
    """Two trusted voices that agree are sure enough; text that says otherwise does not send them back."""

    async def leaves(agent, state, context):
        return {"agent_gaps": {agent.name: ["no_x"]}}

    def says(name, signal, **more):
        return {"name": name, "role": "speaker", "options": {"signal": signal, "confidence": 0.9, **more}}

    agents = [says("a", "BULLISH"), says("b", "BULLISH"), says("news", text, untrusted=True)]
    arena = panel(*phases(*agents, {"name": "gap", "role": "leaves"}), max_iterations=1)
    done = await panel_run(arena, speaker, role("leaves", leaves))
    assert done.state["synthesis_trusted"]["confidence"] >= 0.5
    assert done.meta["iterations"] == 0

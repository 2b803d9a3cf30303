"""Debaters and their judge, on the real engine: with no model at all, and with one."""

from __future__ import annotations

import pytest

from maf_core.agents.debater import DebaterAgent
from maf_core.agents.judge import JudgeAgent
from maf_core.arenas.config import AgentConfig
from maf_core.errors import ConfigError


def says(name: str, signal: str, confidence: float, **more) -> dict:
    options = {"signal": signal, "confidence": confidence, "summary": f"{name} says so.", **more}
    return {"name": name, "role": "speaker", "options": options}


def look(*speakers: dict) -> dict:
    return {"name": "look", "pattern": "parallel", "agents": list(speakers)}


def debate(*, judge: dict | None = None, rounds: int = 3, **options) -> dict:
    return {
        "name": "debate",
        "pattern": "debate",
        "max_rounds": rounds,
        "agents": [
            {"name": "bull", "role": "debater", "options": {"stance": "bull", **options}},
            {"name": "bear", "role": "debater", "options": {"stance": "bear", **options}},
        ],
        "judge": {"name": "judge", "role": "judge", "options": judge or {}},
    }


@pytest.fixture
def held(panel_run, panel, speaker):
    """Hold a debate about what these speakers say."""

    async def run(*speakers: dict, model=None, **more):
        arena = panel(look(*speakers), debate(**more), model="scripted:it" if model else "rules")
        done = await panel_run(arena, speaker, says=model)
        assert done.error is None
        return done

    return run


def stances(done) -> list[tuple]:
    turns = done.state["debates"]["debate"]["turns"]
    return [(turn["agent"], turn["stance"], turn["confidence"], turn["round"]) for turn in turns]


async def test_with_no_model_each_argues_its_side_from_the_signals(held):
    done = await held(says("a", "BULLISH", 0.8), says("b", "BEARISH", 0.6))
    assert stances(done)[:2] == [("bull", "BULLISH", 0.4, 1), ("bear", "BEARISH", 0.3, 1)]
    assert done.state["debates"]["debate"]["turns"][0]["argument"] == "1 of 2 signals. a: a says so."
    assert (done.state["synthesis_verdict"], done.state["synthesis_score"]) == ("HOLD", pytest.approx(0.05))
    assert {turn["stance"] for turn in done.state["debates"]["debate"]["turns"]} == {"BULLISH", "BEARISH"}


async def test_whoever_has_far_less_to_show_gives_in(held):
    done = await held(says("a", "BULLISH", 0.9), says("b", "BULLISH", 0.6), says("c", "BEARISH", 0.3))
    assert stances(done) == [
        ("bull", "BULLISH", 0.5, 1),
        ("bear", "BEARISH", 0.1, 1),
        ("bull", "BULLISH", 0.5, 2),
        ("bear", "BULLISH", 0.4, 2),
    ]
    assert done.state["debates"]["debate"]["agreed"] is True
    assert (done.state["synthesis_verdict"], done.state["synthesis_score"]) == ("BUY", pytest.approx(0.45))
    assert done.state["synthesis_confidence"] == 1.0


async def test_how_stubborn_a_debater_is_is_an_option(held):
    signals = says("a", "BULLISH", 0.9), says("b", "BULLISH", 0.6), says("c", "BEARISH", 0.3)
    done = await held(*signals, concede_at=10.0)
    assert stances(done)[-1] == ("bear", "BEARISH", 0.1, 3)


async def test_without_signals_the_debaters_abstain_and_the_judge_holds(panel_run, panel, role):
    async def mute(agent, state, context):
        return {}

    arena = panel(look({"name": "a", "role": "mute"}), debate(), model="rules")
    done = await panel_run(arena, role("mute", mute))
    assert stances(done) == []
    assert done.state["synthesis_verdict"] == "HOLD"
    assert "nobody had data (bear, bull abstained)" in done.state["synthesis_reasoning"]


async def test_the_judges_signals_are_those_of_panel_and_debate(held):
    done = await held(says("a", "BULLISH", 0.8))
    assert [one["agent"] for one in done.state["agent_signals"]] == ["a", "bear", "bull"]
    assert done.state["agent_signals"][2]["domain"] == "debate"


async def test_a_debater_without_a_side_says_what_the_signals_say(held, member):
    state = {"signals": {"a": {"agent": "a", "signal": "BEARISH", "confidence": 0.6, "summary": ""}}}
    done = await member(DebaterAgent, state=state)
    assert (done.patch["turn"]["stance"], done.patch["turn"]["confidence"]) == ("BEARISH", 0.6)


async def test_models_hear_the_panel_and_each_other(held, say):
    def model(messages, info):
        if "argue the bull's side" in info.instructions:
            return say.final(info, stance="BULLISH", confidence=0.9, argument="Orders are up.")
        if "argue the bear's side" in info.instructions:
            heard = "Orders are up." in say.told(messages)[0]
            stance = {"stance": "BULLISH", "argument": "Granted."} if heard else {"stance": "BEARISH", "argument": "?"}
            return say.final(info, confidence=0.5, **stance)
        return say.final(info, verdict="BUY", reasoning="They agree.")

    done = await held(says("a", "BULLISH", 0.8), model=model)
    assert stances(done) == [("bull", "BULLISH", 0.9, 1), ("bear", "BULLISH", 0.5, 1)]
    assert done.state["synthesis_verdict"] == "BUY"
    assert done.state["synthesis_score"] == pytest.approx(0.7)
    assert done.state["synthesis_reasoning"].endswith("They agree.")
    bear, judge = done.asked[1].texts[0], done.asked[2].texts[0]
    assert 'origin="signal of a"' in bear
    assert 'origin="bull in round 1"' in bear
    assert "Orders are up." in judge


async def test_a_judge_may_hold_back_but_not_decide_otherwise(held, say):
    def model(messages, info):
        if "debate" in info.instructions[:40]:
            return say.final(info, stance="BULLISH", confidence=0.9, argument="Up.")
        return say.final(info, verdict="SELL", reasoning="No.")

    done = await held(says("a", "BULLISH", 0.8), model=model)
    assert done.state["synthesis_verdict"] == "HOLD"
    assert done.state["synthesis_dissent"] == {"verdict": "SELL", "reasoning": "No."}


async def test_debaters_whose_model_fails_argue_by_rule(held, say):
    def model(messages, info):
        if "debate" in info.instructions[:40]:
            raise ConnectionError("gone")
        return say.final(info, verdict="BUY", reasoning="Fine.")

    by_rule = await held(says("a", "BULLISH", 0.8))
    done = await held(says("a", "BULLISH", 0.8), model=model)
    assert stances(done) == stances(by_rule)
    assert set(done.state["llm_failed"]) >= {"bull", "bear"}


async def test_a_model_that_abstains_from_a_debate_is_not_counted(held, say):
    def model(messages, info):
        if "argue the bear's side" in info.instructions:
            return say.final(info, abstain=True, argument="Nothing to say.")
        if "argue the bull's side" in info.instructions:
            return say.final(info, stance="BULLISH", confidence=0.6, argument="Up.")
        return say.final(info, verdict="BUY", reasoning="Fine.")

    done = await held(says("a", "BULLISH", 0.8), model=model)
    assert done.state["synthesis_score"] == pytest.approx(0.6)
    assert done.state["synthesis_confidence"] == pytest.approx(0.5)
    assert done.meta["abstained"] == {"bear": "the model abstains: Nothing to say."}


async def test_text_reaches_no_debater_and_only_reduces_at_the_judge(held):
    plain = await held(says("a", "BULLISH", 0.8))
    for signal, weight, verdict, score in (
        ("BULLISH", 1.0, "BUY", 0.8),
        ("NEUTRAL", 1.0, "BUY", 1.6 / 3),
        ("BEARISH", 1.0, "BUY", 0.6 / 3),
        ("BEARISH", 9.0, "HOLD", 0.0),
    ):
        judge = {"weights": {"news": weight}}
        done = await held(says("a", "BULLISH", 0.8), says("news", signal, 1.0, untrusted=True), judge=judge)
        assert stances(done) == stances(plain)
        assert done.state["synthesis_verdict"] == verdict
        assert done.state["synthesis_score"] == pytest.approx(score)
        assert done.state["synthesis_confidence"] <= plain.state["synthesis_confidence"]


async def test_text_that_counts_marks_the_turns_and_a_careful_judge_still_only_reduces(held):
    signals = says("a", "NEUTRAL", 0.8), says("news", "BULLISH", 1.0, untrusted=True)
    careful = await held(*signals, untrusted="count")
    assert all(turn["untrusted"] for turn in careful.state["debates"]["debate"]["turns"])
    assert careful.state["synthesis_verdict"] == "HOLD"
    counting = await held(*signals, untrusted="count", judge={"untrusted": "count"})
    assert counting.state["synthesis_verdict"] == "BUY"


def test_a_debater_reads_no_sources_and_speaks_in_a_debate(panel):
    arena = panel(look(says("a", "BULLISH", 1)), debate())
    DebaterAgent(arena.phases[1].agents[0]).check(arena)
    with pytest.raises(ConfigError, match="reads no sources"):
        DebaterAgent(AgentConfig(name="bull", role="debater", sources=["bars"])).check(arena)
    with pytest.raises(ConfigError, match="pattern: debate"):
        DebaterAgent(AgentConfig(name="a", role="debater")).check(arena)


def test_a_judge_needs_a_debate(panel):
    arena = panel(look(says("a", "BULLISH", 1)), debate())
    JudgeAgent(arena.phases[1].judge).check(arena)
    with pytest.raises(ConfigError, match="under `judge:`"):
        JudgeAgent(AgentConfig(name="a", role="judge")).check(arena)

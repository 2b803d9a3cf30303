"""The ensemble score: its formula, its bounds, and who counts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maf_core.agents.ensemble import ensemble
from maf_core.agents.synthesis import SynthesisAgent
from maf_core.arenas.config import AgentConfig, ArenaConfig
from maf_core.arenas.run import RunContext, RunRequest
from maf_core.errors import ConfigError

SIGNS = {"BULLISH": 1, "BEARISH": -1, "NEUTRAL": 0}
NAMES = "abcdefgh"


def signal(agent: str, direction: str, confidence: float) -> dict:
    return {"agent": agent, "domain": "", "signal": direction, "confidence": confidence, "summary": ""}


def agent(**options) -> SynthesisAgent:
    return SynthesisAgent(AgentConfig(name="verdict", role="synthesis", options=options))


PHASES = [{"name": "decide", "agents": [{"name": "verdict", "role": "synthesis"}]}]


async def judged(state: dict, **options) -> dict:
    """What it says with code alone; it needs nothing of the application then."""
    arena = ArenaConfig.model_validate({"name": "panel", "model": "rules", "phases": PHASES})
    request = RunRequest("panel", {"ticker": "AAPL"}, datetime(2024, 3, 1, tzinfo=UTC), "1")
    return await agent(**options).run(state, RunContext(None, arena, request, "1"))


SIGNALS = st.dictionaries(
    st.sampled_from(NAMES), st.tuples(st.sampled_from(sorted(SIGNS)), st.floats(0, 1)), max_size=8
).map(lambda said: {name: signal(name, *what) for name, what in said.items()})
WEIGHTS = st.dictionaries(st.sampled_from(NAMES), st.floats(0, 100), max_size=8)


@given(signals=SIGNALS, weights=WEIGHTS, silent=st.floats(0, 100))
def test_score_agreement_and_coverage_stay_within_their_bounds(signals, weights, silent):
    found = ensemble(list(signals.values()), weights, silent)
    assert -1 <= found.score <= 1
    assert 0 <= found.agreement <= 1
    assert 0 <= found.coverage <= 1


@given(signals=SIGNALS.filter(bool), weights=st.dictionaries(st.sampled_from(NAMES), st.floats(0.1, 10)))
def test_the_score_is_the_confidence_weighted_mean_vote(signals, weights):
    found = ensemble(list(signals.values()), weights, 0.0)
    total = sum(weights.get(name, 1.0) for name in signals)
    votes = sum(weights.get(name, 1.0) * s["confidence"] * SIGNS[s["signal"]] for name, s in signals.items())
    assert found.score == pytest.approx(votes / total)
    assert found.coverage == 1


@given(signals=SIGNALS)
def test_turning_every_direction_round_turns_the_score_round(signals):
    turned = {"BULLISH": "BEARISH", "BEARISH": "BULLISH", "NEUTRAL": "NEUTRAL"}
    opposite = [{**s, "signal": turned[s["signal"]]} for s in signals.values()]
    one, other = ensemble(list(signals.values()), {}, 0.0), ensemble(opposite, {}, 0.0)
    assert one.score == -other.score
    assert one.agreement == other.agreement


@given(signals=SIGNALS, weights=WEIGHTS, data=st.data())
async def test_the_order_of_the_signals_does_not_matter(signals, weights, data):
    order = data.draw(st.permutations(sorted(signals)))
    shuffled = {name: signals[name] for name in order}
    assert await judged({"signals": signals}, weights=weights) == await judged({"signals": shuffled}, weights=weights)


@given(signals=SIGNALS.filter(bool), silent=st.sets(st.sampled_from("xyz")))
async def test_an_abstention_does_not_count_as_a_vote(signals, silent):
    without = await judged({"signals": signals})
    abstentions = dict.fromkeys(silent, "no data") | dict.fromkeys(signals)
    among = await judged({"signals": signals | dict.fromkeys(silent), "abstentions": abstentions})
    for field in ("synthesis_score", "synthesis_verdict", "agent_signals"):
        assert among[field] == without[field]
    assert among["synthesis_confidence"] <= without["synthesis_confidence"]


@pytest.mark.parametrize(
    ("signals", "options", "verdict", "score", "confidence"),
    [
        ([("BULLISH", 0.8), ("BULLISH", 0.4)], {}, "BUY", 0.6, 1.0),
        ([("BEARISH", 0.8), ("BULLISH", 0.2)], {}, "SELL", -0.3, 0.6),
        ([("BULLISH", 0.1)], {}, "HOLD", 0.1, 0.0),
        ([("BULLISH", 0.5), ("BEARISH", 0.5)], {}, "HOLD", 0.0, 1.0),
        ([("NEUTRAL", 0.9)], {}, "HOLD", 0.0, 1.0),
        ([("BULLISH", 0.15)], {}, "BUY", 0.15, 1.0),
        ([("BULLISH", 0.15)], {"threshold": 0.2}, "HOLD", 0.15, 0.0),
        ([("BULLISH", 0.8), ("BEARISH", 0.8)], {"weights": {"a": 3}}, "BUY", 0.4, 0.5),
        ([("BULLISH", 0.8), ("BEARISH", 0.8)], {"weights": {"a": 0}}, "SELL", -0.8, 1.0),
    ],
)
async def test_verdict_score_and_confidence(signals, options, verdict, score, confidence):
    said = {name: signal(name, *what) for name, what in zip(NAMES, signals, strict=False)}
    found = await judged({"signals": said}, **options)
    assert found["synthesis_verdict"] == verdict
    assert found["synthesis_score"] == pytest.approx(score, abs=1e-6)
    assert found["synthesis_confidence"] == pytest.approx(confidence, abs=1e-6)


async def test_half_of_the_panel_silent_halves_the_confidence():
    state = {"signals": {"a": signal("a", "BULLISH", 0.8), "b": None}, "abstentions": {"b": "no bars"}}
    found = await judged(state)
    assert found["synthesis_confidence"] == 0.5
    assert "b abstained" in found["synthesis_reasoning"]


@pytest.mark.parametrize("state", [{}, {"signals": {}}, {"signals": {"a": None}, "abstentions": {"a": "no bars"}}])
async def test_nobody_with_data_is_a_hold_of_no_confidence(state):
    found = await judged(state)
    assert (found["synthesis_verdict"], found["synthesis_confidence"], found["synthesis_score"]) == ("HOLD", 0.0, 0.0)
    assert "nobody had data" in found["synthesis_reasoning"]


async def test_the_reasoning_names_every_voice():
    state = {"signals": {"news": signal("news", "BEARISH", 0.25), "technical": signal("technical", "BULLISH", 0.75)}}
    reasoning = (await judged(state))["synthesis_reasoning"]
    assert "news bearish 0.25" in reasoning
    assert "technical bullish 0.75" in reasoning


@pytest.mark.parametrize(
    "options", [{"threshold": 0}, {"threshold": 1}, {"weights": {"a": -1}}, {"weights": {"a": "inf"}}, {"unknown": 1}]
)
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ConfigError, match="options of agent 'verdict'"):
        agent(**options)

"""From a finished run to one action or one decision."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maf_core import TradingAction
from maf_core.outbox.models import GenericDecision
from maf_core.outbox.outboxes import ActionOutbox, DecisionOutbox, build_action, build_decision
from maf_core.streams import codec
from maf_core.streams.names import ACTIONS, DECISIONS
from maf_core.streams.raw import entries


async def payloads(redis, stream: str) -> list[dict]:
    return [codec.decode(fields) for _, fields in entries(await redis.xrange(stream))]


def test_an_action_says_what_the_run_decided(finished):
    run = finished(sizing={"max_fraction": 0.2, "horizon": "10d"}, action_mode="semi")
    action = build_action(run)
    assert (action.arena, action.arena_id, action.correlation_id) == ("panel", run.arena_id, run.correlation_id)
    assert (action.target.ticker, action.target.trade_date) == ("AAPL", "2024-03-01")
    assert (action.verdict, action.mode, action.reasoning) == ("BUY", "semi", "BUY at score +0.500")
    assert (action.sizing.confidence, action.sizing.ensemble_score) == (0.8, 0.5)
    assert (action.sizing.size_fraction, action.sizing.horizon) == (pytest.approx(0.1), "10d")
    assert action.meta["as_of"] == "2024-03-01T21:00:00+00:00"


@pytest.mark.parametrize(
    ("verdict", "taken", "size"),
    [
        ("SELL", "SELL", 0.1),
        (" buy ", "BUY", 0.1),
        ("HOLD", "HOLD", 0.0),
        ("STRONG BUY", "HOLD", 0.0),
        (None, "HOLD", 0.0),
    ],
)
def test_an_unknown_verdict_is_a_hold_and_a_hold_has_no_size(finished, verdict, taken, size):
    action = build_action(finished({"synthesis_verdict": verdict, "synthesis_score": -0.5}))
    assert (action.verdict, action.sizing.size_fraction) == (taken, pytest.approx(size))


NUMBERS = st.floats() | st.integers() | st.none() | st.text(max_size=5) | st.just({})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(verdict=st.sampled_from(["BUY", "SELL", "HOLD", None, 7]), confidence=NUMBERS, score=NUMBERS)
def test_whatever_the_state_says_the_action_is_well_formed(finished, verdict, confidence, score):
    run = finished({"synthesis_verdict": verdict, "synthesis_confidence": confidence, "synthesis_score": score})
    action = build_action(run)
    assert 0 <= action.sizing.size_fraction <= run.arena.sizing.max_fraction
    assert TradingAction.model_validate_json(action.model_dump_json()) == action


def test_a_failed_run_says_so(finished):
    action = build_action(finished({"synthesis_verdict": "HOLD"}, error="the run took longer than 1 s"))
    assert action.meta["error"] == "the run took longer than 1 s"
    assert "error" not in build_action(finished()).meta


def test_the_meta_tells_how_the_decision_came_to_be(finished):
    state = {
        "inputs": {"bars": "2024-03-01T21:00:00+00:00", "news": None},
        "gaps": {"bars": ["stale_prices"], "news": ["no_news"]},
        "abstentions": {"news": "no news", "technical": None},
        "iteration": 2,
    }
    sources = {"bars": {"source": "prices", "required": True}, "news": {"source": "news"}}
    meta = build_action(finished(state, sources=sources)).meta
    assert meta["gaps"] == ["no_news", "stale_prices"]
    assert meta["required_gaps"] == ["stale_prices"]
    assert meta["abstained"] == {"news": "no news"}
    assert (meta["iterations"], meta["inputs"]) == (2, state["inputs"])


def test_a_decision_about_something_else(finished):
    state = {
        "synthesis_verdict": "merge", "synthesis_confidence": 0.9, "synthesis_reasoning": "small and tested",
        "agent_signals": [{"agent": "style", "signal": "ok", "confidence": 1.0, "summary": "clean", "domain": "x"}],
    }  # fmt: skip
    decision = build_decision(finished(state, target={"pr_id": 7}, target_key="pr_id"))
    assert (decision.target, decision.target_key, decision.verdict) == ({"pr_id": 7}, "pr_id", "merge")
    assert [c.model_dump() for c in decision.contributors] == [
        {"agent": "style", "signal": "ok", "confidence": 1.0, "summary": "clean"}
    ]


@pytest.mark.parametrize("signals", ["none", [5], [{"no": "agent"}], [{"agent": "a", "confidence": "high"}]])
def test_a_decision_is_well_formed_whatever_its_agents_left(finished, signals):
    state = {"synthesis_verdict": "merge", "agent_signals": signals}
    assert build_decision(finished(state, target={"pr_id": 7}, target_key="pr_id")).verdict == "merge"


async def test_an_action_goes_out_once(redis, make_context, finished):
    run, outbox = finished(), ActionOutbox(make_context())
    assert await outbox.publish(run) == await outbox.publish(run)
    await outbox.publish(finished())
    sent = [TradingAction.model_validate(payload) for payload in await payloads(redis, ACTIONS)]
    assert [action.arena_id == run.arena_id for action in sent] == [True, False]


async def test_a_decision_goes_out_once(redis, make_context, finished):
    run, outbox = finished(target={"pr_id": 7}, target_key="pr_id"), DecisionOutbox(make_context())
    assert await outbox.publish(run) == await outbox.publish(run)
    (payload,) = await payloads(redis, DECISIONS)
    assert GenericDecision.model_validate(payload).target == {"pr_id": 7}
    assert await redis.exists(ACTIONS) == 0

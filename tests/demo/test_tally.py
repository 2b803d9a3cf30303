"""The demo's figures are counted from the streams, and say when they do not add up."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maf_core.demo.tally import ArenaTally, complaints, digest, tally
from maf_core.streams.names import ACTIONS, CONTROL_IN, CONTROL_OUT, DECISIONS, EXECUTIONS, OUTCOMES, arena_output
from maf_core.streams.publish import publish

WHOLE = ArenaTally(
    triggers_fired=6,
    runs_completed=5,
    runs_failed=1,
    envelopes=6,
    actions=6,
    executions_approved=3,
    executions_rejected=2,
    executions_pending=1,
)
rows = st.lists(
    st.tuples(
        st.sampled_from(["AAPL", "IBM"]),
        st.dates().map(str),
        st.sampled_from(["BUY", "SELL", "HOLD"]),
        st.floats(0, 1),
        st.floats(-1, 1),
    )
)


def action(arena: str, verdict: str, date: str) -> dict:
    sizing = {"confidence": 0.5, "ensemble_score": 0.25}
    return {"arena": arena, "verdict": verdict, "target": {"ticker": "AAPL", "trade_date": date}, "sizing": sizing}


async def one_run(redis, number: int, status: str = "completed", execution: str = "approved") -> None:
    command_id = f"c{number}"
    await publish(redis, CONTROL_IN, {"command_id": command_id, "arena": "a", "source": "trigger"})
    for said in ("accepted", status):
        await publish(redis, CONTROL_OUT, {"command_id": command_id, "status": said})
    await publish(redis, arena_output("a"), {"meta": {"model_used": "rules"}})
    decided = action("a", "BUY", f"2012-01-{number:02}")
    await publish(redis, ACTIONS, decided)
    await publish(redis, EXECUTIONS, {"action": decided, "status": execution})


async def test_every_stage_is_counted_from_its_stream(redis):
    await one_run(redis, 1)
    await one_run(redis, 2, status="failed", execution="rejected")
    await one_run(redis, 3, execution="pending_approval")
    await publish(redis, CONTROL_IN, {"command_id": "by-hand", "arena": "a", "source": "cli"})
    await publish(redis, OUTCOMES, {"kind": "fill"})
    found = await tally(redis, ["a", "quiet"])
    assert found.arenas["a"] == ArenaTally(
        triggers_fired=3,
        runs_completed=2,
        runs_failed=1,
        envelopes=3,
        actions=3,
        executions_approved=1,
        executions_rejected=1,
        executions_pending=1,
    )
    assert found.arenas["quiet"] == ArenaTally()
    assert (found.verdicts, found.outcomes, found.model_used) == ({"BUY": 3}, {"fill": 1}, "rules")


def test_figures_that_add_up_have_no_complaints():
    assert complaints("a", WHOLE) == []


@pytest.mark.parametrize(
    ("stage", "says"),
    [
        ("runs_completed", ["6 triggers fired, but 7 runs"]),
        ("envelopes", ["6 triggers fired, but 7 envelopes"]),
        ("decisions", ["6 triggers fired, but 7 actions and decisions"]),
        ("actions", ["6 triggers fired, but 7 actions and decisions", "7 actions, but 6 executions"]),
        ("executions_pending", ["6 actions, but 7 executions"]),
    ],
)
def test_a_stage_that_does_not_add_up_is_named(stage: str, says: list[str]):
    more = replace(WHOLE, **{stage: getattr(WHOLE, stage) + 1})
    assert complaints("a", more) == [f"a: {line}" for line in says]


async def test_an_arena_that_decides_and_does_not_trade_adds_up_too(redis):
    await publish(redis, CONTROL_IN, {"command_id": "c", "arena": "crowd", "source": "trigger"})
    await publish(redis, CONTROL_OUT, {"command_id": "c", "status": "completed"})
    await publish(redis, arena_output("crowd"), {"prediction": {}, "decision_kind": "fomo2_signal"})
    await publish(redis, DECISIONS, {"arena": "crowd"})
    found = await tally(redis, ["crowd"])
    assert complaints("crowd", found.arenas["crowd"]) == []
    assert found.predictions == {"fomo2_signal": 1}


def test_an_arena_that_never_fired_is_a_complaint():
    assert complaints("a", ArenaTally()) == ["a: no trigger fired"]


@given(rows, st.randoms(use_true_random=False))
def test_the_digest_does_not_depend_on_order(decisions, random):
    shuffled = list(decisions)
    random.shuffle(shuffled)
    assert digest(shuffled) == digest(decisions)


@given(rows.filter(bool))
def test_the_digest_depends_on_every_decision(decisions):
    ticker, date, _, confidence, score = decisions[0]
    changed = [(ticker, date, "ANOTHER", confidence, score), *decisions[1:]]
    assert digest(changed) != digest(decisions)
    assert digest(decisions[1:]) != digest(decisions)

"""A memory as it may be seen at a moment, and as it is saved."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from maf_core import Memory, Outcome, Recalled
from maf_core.memory.base import ranked

DECIDED = datetime(2024, 1, 2, 21, tzinfo=UTC)
LEARNT = DECIDED + timedelta(days=3)
TICK = timedelta(microseconds=1)
CLOSED = Outcome.model_validate({"known_at": LEARNT, "return": 0.02, "pnl": 20})


@pytest.mark.parametrize(
    ("moment", "seen", "outcome"),
    [
        (DECIDED - TICK, False, None),
        (DECIDED, False, None),
        (DECIDED + TICK, True, None),
        (LEARNT, True, None),
        (LEARNT + TICK, True, CLOSED),
    ],
)
def test_nothing_is_known_at_the_moment_it_happens_only_after(memory, moment, seen, outcome):
    known = memory(outcome=CLOSED).known_before(moment)
    assert known == (memory(outcome=outcome) if seen else None)


def test_times_are_utc_and_compare_whatever_their_offset(memory):
    new_york = timezone(timedelta(hours=-5))
    told = memory(as_of="2024-01-02T16:00:00-05:00")
    assert told.as_of == DECIDED
    assert told.as_of.tzinfo is UTC
    assert told.known_before(DECIDED.astimezone(new_york)) is None
    assert told.known_before((DECIDED + TICK).astimezone(new_york)) == told


def test_it_comes_back_from_json_as_it_was(memory):
    told = memory(outcome=CLOSED, untrusted=True)
    assert Memory.model_validate_json(told.model_dump_json()) == told


def test_what_a_run_gets_is_plain_json_with_the_score(memory):
    payload = Recalled(memory(outcome=CLOSED), 1.5).payload()
    assert json.loads(json.dumps(payload)) == payload
    assert (payload["score"], payload["arena_id"], payload["outcome"]["return"]) == (1.5, "panel-1", 0.02)
    assert payload["as_of"] == "2024-01-02T21:00:00Z"


@pytest.mark.parametrize("changes", [{"confidence": 1.1}, {"confidence": math.nan}, {"arena_id": ""}])
def test_a_decision_that_makes_no_sense_is_refused(memory, changes):
    with pytest.raises(ValidationError):
        memory(**changes)


@pytest.mark.parametrize("figure", [{"return": math.inf}, {"pnl": math.nan}])
def test_an_outcome_without_a_figure_is_refused(figure):
    with pytest.raises(ValidationError):
        Outcome.model_validate({"known_at": LEARNT, **figure})


@given(rows=st.lists(st.tuples(st.sampled_from([0.0, 0.5, 2.0]), st.integers(0, 3), st.text("ab", min_size=1))))
def test_the_order_is_by_score_then_newest_then_id(rows):
    def recalled(score, day, run):
        at = DECIDED + timedelta(days=day)
        decided = {"arena_id": run, "arena": "a", "target": {}, "as_of": at, "situation": "", "verdict": ""}
        return Recalled(Memory.model_validate(decided | {"confidence": 0}), score)

    found = ranked([recalled(*row) for row in rows], 3)
    assert [(-one.score, -one.memory.as_of.timestamp(), one.memory.arena_id) for one in found] == sorted(
        (-score, -(DECIDED + timedelta(days=day)).timestamp(), run) for score, day, run in rows
    )[:3]

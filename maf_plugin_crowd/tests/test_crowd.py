"""What holds for every panel, and what is made of rubbish."""

from __future__ import annotations

from math import inf, log, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maf_core import BadEntryError
from maf_plugin_crowd.crowd import NO_DRIVER, crowd_of, pooled
from maf_plugin_crowd.votes import EVENT_OUTCOMES, PRICE_OUTCOMES, SUREST, Vote, vote_of

OUTCOMES = st.sampled_from([EVENT_OUTCOMES, PRICE_OUTCOMES])


@st.composite
def panels(draw):
    """Votes about one question, and the weight of all who were asked."""
    outcomes = draw(OUTCOMES)
    said = st.builds(
        Vote,
        voter=st.text("abc", min_size=1, max_size=8),
        model=st.just("m"),
        outcome=st.sampled_from(outcomes),
        probability=st.floats(1 / len(outcomes), SUREST),
        horizon_hours=st.integers(1, 200),
        drivers=st.lists(st.sampled_from(["Rates", "rates", "news", "a", "b"]), max_size=3).map(tuple),
        weight=st.floats(0.01, 10),
    )
    votes = draw(st.lists(said, min_size=1, max_size=12, unique_by=lambda vote: vote.voter))
    silent = draw(st.floats(0, 20))
    return outcomes, votes, sum(vote.weight for vote in votes) + silent


@given(panels())
def test_a_distribution_sums_to_one_within_zero_and_one(panel):
    outcomes, votes, weight = panel
    found = crowd_of(votes, outcomes, weight)
    assert all(0 <= p <= 1 for p in found.distribution.values())
    assert sum(found.distribution.values()) == pytest.approx(1)
    assert found.probability == max(found.distribution.values())
    assert 0 <= found.dissent <= 1
    assert 1 <= len(found.drivers) <= 10


@given(panels(), st.randoms(use_true_random=False))
def test_the_order_of_the_voters_changes_nothing(panel, random):
    outcomes, votes, weight = panel
    shuffled = random.sample(votes, len(votes))
    assert crowd_of(shuffled, outcomes, weight) == crowd_of(votes, outcomes, weight)


@given(panels(), st.floats(0.01, 1), st.floats(0, 1))
def test_one_more_vote_for_an_outcome_never_makes_it_less_probable(panel, weight_of_it, sureness):
    outcomes, votes, weight = panel
    asked = weight + weight_of_it  # somebody who had abstained speaks
    lowest = 1 / len(outcomes)
    for outcome in outcomes:
        more = Vote("zz", "m", outcome, lowest + sureness * (SUREST - lowest), 24, weight=weight_of_it)
        before, after = (pooled(some, outcomes, asked)[outcome] for some in (votes, [*votes, more]))
        assert after >= before - 1e-12


@given(st.lists(st.floats(0.02, 0.98), min_size=1, max_size=9))
def test_of_two_outcomes_it_is_the_mean_of_the_log_odds(probabilities):

    votes = [
        vote_of({"outcome": "YES", "probability": p, "horizon_hours": 1}, f"v{n}", "m", EVENT_OUTCOMES)
        for n, p in enumerate(probabilities)
    ]
    yes = pooled(votes, EVENT_OUTCOMES, len(votes))["YES"]
    mean = sum(log(p / (1 - p)) for p in probabilities) / len(probabilities)
    assert log(yes / (1 - yes)) == pytest.approx(mean, abs=1e-9)


def test_those_who_are_silent_make_the_panel_less_sure():
    votes = [Vote("a", "m", "YES", 0.9, 24)]
    alone, one_of_four = (pooled(votes, EVENT_OUTCOMES, weight)["YES"] for weight in (1, 4))
    assert alone == pytest.approx(0.9)
    assert 0.5 < one_of_four < alone


def test_dissent_coverage_horizon_and_drivers_by_weight():
    votes = [
        Vote("a", "m", "UP", 0.8, 24, ("Earnings", "rates"), weight=2),
        Vote("b", "m", "DOWN", 0.6, 4, ("fear",), weight=1),
        Vote("c", "m", "UP", 0.6, 48, ("earnings",), weight=1),
    ]
    found = crowd_of(votes, PRICE_OUTCOMES, 8)
    assert (found.outcome, found.dissent, found.coverage) == ("UP", 0.25, 0.5)
    assert (found.horizon_hours, found.drivers) == (24, ("Earnings", "rates"))


def test_nobody_who_weighs_anything_is_no_crowd():
    assert crowd_of([], EVENT_OUTCOMES, 5) is None
    assert crowd_of([Vote("a", "m", "YES", 0.9, 1, weight=0)], EVENT_OUTCOMES, 5) is None
    assert crowd_of([Vote("a", "m", "YES", 0.9, 1)], EVENT_OUTCOMES, 1).drivers == (NO_DRIVER,)


GOOD = {"outcome": "up", "probability": 0.7, "horizon_hours": 24, "drivers": ["a", " a ", "", "b\nc"]}


def test_a_vote_as_a_model_gives_it():
    vote = vote_of(GOOD, "v", "m", PRICE_OUTCOMES)
    assert (vote.outcome, vote.probability, vote.drivers) == ("UP", 0.7, ("a", "b c"))


@pytest.mark.parametrize(("said", "kept"), [(0, 1 - SUREST), (1, SUREST), (0.0, 1 - SUREST), (1.0, SUREST)])
def test_nobody_is_certain(said, kept):
    vote = vote_of({**GOOD, "outcome": "NO", "probability": said}, "v", "m", EVENT_OUTCOMES)
    assert (vote.probability if vote.outcome == "NO" else 1 - vote.probability) == pytest.approx(kept)


def test_an_improbable_yes_is_a_no():
    vote = vote_of({**GOOD, "outcome": "YES", "probability": 0.2}, "v", "m", EVENT_OUTCOMES)
    assert (vote.outcome, vote.probability) == ("NO", 0.8)


@pytest.mark.parametrize(
    "wrong",
    [
        {"outcome": "MAYBE"},
        {"outcome": None},
        {"outcome": "YES"},
        {"probability": nan},
        {"probability": inf},
        {"probability": 1.01},
        {"probability": -0.1},
        {"probability": "0.7"},
        {"probability": True},
        {"probability": None},
        {"probability": 0.2},
        {"horizon_hours": 0},
        {"horizon_hours": -5},
        {"horizon_hours": nan},
        {"horizon_hours": 10**9},
    ],
)
def test_rubbish_is_no_vote(wrong):
    with pytest.raises(BadEntryError):
        vote_of({**GOOD, **wrong}, "v", "m", PRICE_OUTCOMES)

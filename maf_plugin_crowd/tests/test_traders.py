"""The rule-based crowd: heterogeneous, deterministic, silent where it has nothing to go by."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maf_core import BadEntryError
from maf_plugin_crowd.crowd import crowd_of
from maf_plugin_crowd.traders import RULES, Situation, Trader, traders, votes_of
from maf_plugin_crowd.votes import EVENT_OUTCOMES, PRICE_OUTCOMES, SUREST, Vote

RISING = [100 * 1.01**day * (1.002 if day % 2 else 1.0) for day in range(130)]
FALLING = RISING[::-1]


def seen(prices=RISING, tone=None, outcomes=PRICE_OUTCOMES, question="q") -> Situation:
    return Situation(prices, tone, outcomes, question)


def test_the_same_seed_gives_the_same_crowd_of_all_kinds():
    assert traders(24, 7) == traders(24, 7) != traders(24, 8)
    assert Counter(trader.rule for trader in traders(24, 7)) == dict.fromkeys(RULES, 4)
    assert len({(t.memory, t.horizon_hours, t.gain) for t in traders(24, 7)}) > 12


@pytest.mark.parametrize(
    ("rule", "prices", "tone", "outcome"),
    [
        ("momentum", RISING, None, "UP"),
        ("momentum", FALLING, None, "DOWN"),
        ("mean_reversion", RISING, None, "DOWN"),
        ("mean_reversion", FALLING, None, "UP"),
        ("value", RISING, None, "DOWN"),
        ("value", FALLING, None, "UP"),
        ("contrarian", RISING, None, "DOWN"),
        ("contrarian", FALLING, None, "UP"),
        ("news_follower", RISING, -0.8, "DOWN"),
        ("news_follower", FALLING, 0.8, "UP"),
        ("momentum", [100.0] * 50, None, "FLAT"),
    ],
)
def test_each_rule_goes_its_own_way(rule, prices, tone, outcome):
    vote = Trader("t", rule, 20, 24, 1.0).vote(seen(prices, tone))
    assert (vote.outcome, vote.model) == (outcome, f"rules:{rule}")
    assert vote.drivers


def test_noise_has_no_reason_but_the_question():
    trader = Trader("t", "noise", 5, 24, 1.0)
    assert trader.vote(seen(RISING)) == trader.vote(seen(FALLING))
    said = {trader.vote(seen(question=str(n))).probability for n in range(20)}
    assert len(said) > 10


@pytest.mark.parametrize("prices", [[], [1.0], [1.0, 2.0], [1.0, 2.0, 0.0], [3.0, -1.0, 2.0]])
def test_without_prices_a_trader_of_prices_abstains(prices):
    for rule in ("momentum", "mean_reversion", "value", "contrarian"):
        with pytest.raises(BadEntryError):
            Trader("t", rule, 20, 24, 1.0).vote(seen(prices))


def test_without_news_whoever_follows_them_abstains():
    silent = [name for name, _ in (one for one in votes_of(traders(12, 1), seen()) if isinstance(one, tuple))]
    assert all("news_follower" in name for name in silent)
    assert len(silent) == 2


@given(
    st.lists(st.floats(0.01, 1e6), max_size=200),
    st.none() | st.floats(-1, 1),
    st.sampled_from([EVENT_OUTCOMES, PRICE_OUTCOMES]),
    st.integers(0, 2**32),
)
def test_whatever_the_prices_votes_are_fit_to_be_counted(prices, tone, outcomes, seed):
    situation = seen(prices, tone, outcomes)
    votes = [one for one in votes_of(traders(12, seed), situation) if isinstance(one, Vote)]
    assert votes == [one for one in votes_of(traders(12, seed), situation) if isinstance(one, Vote)]
    for vote in votes:
        assert vote.outcome in outcomes
        assert 1 / len(outcomes) <= vote.probability <= SUREST
    assert crowd_of(votes, outcomes, 12)  # noise always votes

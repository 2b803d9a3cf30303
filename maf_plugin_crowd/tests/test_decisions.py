"""What follows from a prediction, by kind: the properties that whoever bets on it relies on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maf_plugin_crowd.crowd import Crowd
from maf_plugin_crowd.decisions.fomo2 import Fomo2Options, fomo2_signal
from maf_plugin_crowd.decisions.oddsoddy import OddsOddyOptions, oddsoddy_multiplier
from maf_plugin_crowd.decisions.polymarket import Market, PolymarketOptions, Quote, polymarket_side

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)
EAGER = PolymarketOptions(crowd_weight=1.0)
PROBABILITY = st.floats(0.01, 0.99)


def price_crowd(up: float, down: float, dissent: float = 0.0) -> Crowd:
    spread = {"UP": up, "DOWN": down, "FLAT": 1 - up - down}
    best = max(spread, key=spread.get)
    return Crowd(best, spread[best], spread, 24, ("why",), dissent, 1.0)


def event_crowd(yes: float) -> Crowd:
    spread = {"YES": yes, "NO": 1 - yes}
    return Crowd("YES" if yes >= 0.5 else "NO", max(yes, 1 - yes), spread, 24, ("why",), 0.0, 1.0)


def market(ask: float = 0.5, spread: float = 0.02, shares: float = 10_000, **more) -> Market:
    yes, no = Quote(ask, shares, ask - spread), Quote(1 - ask + spread, shares, 1 - ask)
    return Market(**{"yes": yes, "no": no, "mid": ask - spread / 2, **more})


markets = st.builds(
    market,
    ask=st.floats(0.05, 0.95),
    spread=st.floats(0, 0.04),
    shares=st.floats(0, 1e5),
    fee_rate=st.floats(0, 0.07),
    min_shares=st.sampled_from([5.0, 15.0]),
)
options = st.builds(
    PolymarketOptions,
    bankroll_usd=st.floats(10, 1e6),
    crowd_weight=st.floats(0, 1),
    kelly_fraction=st.floats(0.01, 1),
    max_fraction=st.floats(0.001, 1),
    max_usd=st.floats(1, 1e5),
)


@given(PROBABILITY, markets, options)
def test_a_size_never_exceeds_its_caps_and_is_zero_for_a_skip(q, there, wish):
    side, reason = polymarket_side(q, there, NOW, wish)
    assert 0 <= side.suggested_size_usd <= min(wish.max_usd, wish.bankroll_usd * wish.max_fraction) + 1e-9
    assert (side.suggested_size_usd == 0) == (side.side == "SKIP")
    assert reason.startswith(side.side)
    if side.side != "SKIP":
        quote = {"YES": there.yes, "NO": there.no}[side.side]
        assert side.edge_bps >= wish.min_edge_bps
        assert side.suggested_size_usd >= there.min_shares * quote.ask - 0.02


@given(st.floats(0.6, 0.99), st.floats(0.1, 0.5), st.floats(0, 0.1), st.floats(0, 0.05))
def test_an_edge_falls_when_fee_or_price_rise(q, ask, more_fee, more_price):
    there = market(ask, mid=ask)
    base = polymarket_side(q, there, NOW, EAGER)[0].edge_bps
    dearer = replace(there, fee_rate=more_fee)
    assert polymarket_side(q, dearer, NOW, EAGER)[0].edge_bps <= base
    higher = replace(there, yes=Quote(ask + more_price, 1e4, ask - 0.02))
    assert polymarket_side(q, higher, NOW, EAGER)[0].edge_bps <= base


@given(st.floats(0.6, 0.99), st.floats(0.2, 0.5), st.floats(0, 0.04), st.floats(0, 0.04))
def test_an_edge_falls_when_the_spread_widens(q, mid, narrow, more):
    def at(spread):
        there = Market(Quote(mid + spread / 2, 1e4, mid - spread / 2), Quote(1 - mid + spread / 2, 1e4), mid)
        return polymarket_side(q, there, NOW, EAGER)[0].edge_bps

    assert at(narrow + more) <= at(narrow)


def test_the_edge_is_against_the_price_that_can_be_had():
    side, _ = polymarket_side(0.6, market(0.5, fee_rate=0.07), NOW, EAGER)
    assert (side.side, side.edge_bps) == ("YES", round(10_000 * (0.6 - 0.5 - 0.07 * 0.25)))


def test_the_crowd_is_blended_with_the_market():
    half, _ = polymarket_side(0.9, market(0.5, spread=0.0), NOW, PolymarketOptions(crowd_weight=0.5))
    assert half.edge_bps == pytest.approx(10_000 * (0.75 - 0.5), abs=1)
    none, _ = polymarket_side(0.9, market(0.5, spread=0.0), NOW, PolymarketOptions(crowd_weight=0.0))
    assert (none.side, none.edge_bps) == ("SKIP", 0)


SKIPS = {
    "closed": (market(open=False), "takes no orders"),
    "ended": (market(ends_at=NOW), "ended"),
    "far away": (market(ends_at=NOW + timedelta(days=400)), "more than 180 days"),
    "no book": (Market(None, None, 0.5), "no book"),
    "price of 0": (market(mid=0.0), "not within 0 to 1"),
    "price of 1": (Market(Quote(1.0, 100), None, 0.9), "not within 0 to 1"),
    "NaN": (Market(Quote(float("nan"), 100), None, 0.9), "not within 0 to 1"),
    "nonsense sum": (Market(Quote(0.2, 1e4, 0.19), Quote(0.3, 1e4, 0.29), 0.2), "stale"),
    "ghost book": (market(fault="book and price disagree"), "book and price disagree"),
    "wide": (Market(Quote(0.4, 1e4, 0.3), Quote(0.7, 1e4, 0.6), 0.35), "spread"),
    "no bid": (Market(Quote(0.4, 1e4), Quote(0.7, 1e4), 0.35), "spread"),
    "thin": (market(0.4, shares=4), "minimum"),
    "small stake": (market(0.4, min_shares=1e6), "minimum"),
    "penny": (market(0.02, spread=0.005), "price is outside"),
    "fair": (market(0.9, spread=0.0), "less than 200"),
}


@pytest.mark.parametrize("name", SKIPS)
def test_a_bet_is_skipped_with_the_reason(name):
    there, says = SKIPS[name]
    side, reason = polymarket_side(0.9, there, NOW, EAGER)
    assert (side.side, side.suggested_size_usd) == ("SKIP", 0.0)
    assert says in reason


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.99))
def test_a_signal_goes_with_the_lead(up, rest, dissent, band):
    down = (1 - up) * rest
    signal, reason = fomo2_signal(price_crowd(up, down, dissent), Fomo2Options(hold_band=band))
    assert 0 <= signal.confidence <= 1
    assert reason.startswith(signal.signal)
    if abs(up - down) < band:
        assert signal.signal == "HOLD"
    elif abs(up - down) > max(band, 1e-9):
        assert signal.signal == ("BUY" if up > down else "SELL")


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.49))
def test_a_multiplier_stays_within_its_bounds_and_rises_with_agreement(one, other, veto):
    wish = OddsOddyOptions(veto_below=veto)
    low, high = (oddsoddy_multiplier(event_crowd(yes), "YES", wish) for yes in sorted([one, other]))
    assert 0 <= low.multiplier <= high.multiplier <= 2
    assert low.gate == (min(one, other) < veto)
    assert low.reason


def test_a_crowd_that_does_not_know_leaves_the_strategy_alone():
    assert oddsoddy_multiplier(event_crowd(0.5), "NO", OddsOddyOptions()).multiplier == 1

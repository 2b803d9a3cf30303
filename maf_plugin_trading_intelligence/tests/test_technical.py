"""The technical specialist on series whose direction is plain, and on real bars."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maf_core import Abstention, AgentSignal, SourceResult
from maf_core.arenas.config import AgentConfig
from maf_core.errors import ConfigError
from maf_plugin_trading_intelligence.specialists.technical import TechnicalSpecialist


def judge(bars: list[dict[str, Any]] | None, **options: Any) -> Any:
    config = AgentConfig(name="technical", role="technical", sources=["bars"], options=options)
    return TechnicalSpecialist(config).routine({"bars": SourceResult(bars)}, {})


def bars_of(closes: list[float], spread: float = 0.5) -> list[dict[str, Any]]:
    return [{"o": c, "h": c + spread, "l": c - spread, "c": c, "v": 1e6} for c in closes]


def wave(drift: float) -> list[float]:
    """A price that drifts while it swings, so that RSI stays clear of its extremes."""
    return [100 + drift * day + 3 * math.sin(day / 3) for day in range(260)]


def test_a_rise_is_bullish() -> None:
    signal = judge(bars_of(wave(0.3)))
    assert signal.signal == "BULLISH"
    assert signal.confidence > 0.3


def test_a_fall_is_bearish() -> None:
    signal = judge(bars_of(wave(-0.3)))
    assert signal.signal == "BEARISH"
    assert signal.confidence > 0.3


def test_an_accelerating_rise_is_surer_than_a_slow_one() -> None:
    slow = judge(bars_of([100 + 0.05 * day for day in range(260)]))
    fast = judge(bars_of([100 + 0.002 * day**2 for day in range(260)]))
    assert fast.signal == slow.signal == "BULLISH"
    assert fast.confidence > slow.confidence


@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_a_flat_series_is_clearly_neutral(spread: float) -> None:
    signal = judge(bars_of([100.0] * 260, spread))
    assert (signal.signal, signal.confidence) == ("NEUTRAL", 1.0)
    assert "RSI(14) 50.0 (vote +0.00, weight 0.15)" in signal.key_factors


def test_key_factors_name_the_numbers() -> None:
    factors = judge(bars_of([100.0 + day for day in range(260)])).key_factors
    assert factors[0] == "close / SMA20 / SMA50 / SMA200: 359.00 / 349.50 / 334.50 / 259.50 (vote +1.00, weight 0.35)"
    assert factors[1].startswith("20-bar momentum +5.9%, +")
    assert factors[3] == "RSI(14) 100.0, overbought (vote -1.00, weight 0.15)"


def test_rsi_speaks_against_an_exhausted_fall() -> None:
    factors = judge(bars_of([1000.0 - day for day in range(260)])).key_factors
    assert factors[3] == "RSI(14) 0.0, oversold (vote +1.00, weight 0.15)"


def test_too_few_bars_make_it_abstain() -> None:
    assert judge(bars_of([100.0] * 59)) == Abstention(reason="59 bars, 60 needed")
    assert judge(None) == Abstention(reason="0 bars, 60 needed")
    assert isinstance(judge(bars_of([100.0] * 60)), AgentSignal)
    assert isinstance(judge(bars_of([100.0] * 60), min_bars=61), Abstention)


def test_old_bars_make_it_abstain() -> None:
    """They say nothing of now, however clearly they once pointed somewhere."""
    specialist = TechnicalSpecialist(AgentConfig(name="it", role="it", sources=["bars"]))
    bars = [{**bar, "t": "2013-03-01T05:00:00+00:00"} for bar in bars_of(wave(0.5))]
    found = specialist.routine({"bars": SourceResult(bars, gaps=("stale_trtools2_bars",))}, {})
    assert found == Abstention(reason="the newest bar is of 2013-03-01T05:00:00+00:00")


def test_without_two_hundred_bars_the_long_average_is_left_out() -> None:
    assert "SMA200" not in judge(bars_of(wave(0.3)[:199])).key_factors[0]
    assert "SMA200" in judge(bars_of(wave(0.3)[:200])).key_factors[0]


def test_the_dead_band_is_configurable() -> None:
    bars = bars_of(wave(0.3))
    assert judge(bars, dead_band=0.99).signal == "NEUTRAL"
    assert judge(bars, dead_band=0.0).signal == "BULLISH"


def test_wrong_options_are_refused() -> None:
    with pytest.raises(ConfigError, match="min_bars"):
        judge(None, min_bars=10)


def test_real_bars_give_a_mix_of_directions(real_bars: list[dict[str, Any]]) -> None:
    signals = [judge(real_bars[end - 260 : end]) for end in range(260, len(real_bars) + 1, 5)]
    found = Counter(signal.signal.value for signal in signals)
    assert min(found.values()) >= 5, found
    assert len(found) == 3
    assert all(0 <= signal.confidence <= 1 for signal in signals)


def test_the_same_bars_give_the_same_signal(real_bars: list[dict[str, Any]]) -> None:
    assert judge(real_bars) == judge(list(real_bars))


@given(st.lists(st.floats(0.01, 1e5), min_size=60, max_size=260))
def test_any_prices_give_a_confidence_within_bounds(closes: list[float]) -> None:
    signal = judge([{"h": c * 1.01, "l": c * 0.99, "c": c} for c in closes])
    assert 0 <= signal.confidence <= 1

"""Indicators of daily bars, by TA-Lib, each turned into a vote in [-1, 1]."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import talib
from numpy.typing import NDArray

Prices = NDArray[np.float64]

SLOWEST_NEEDED = 50  # bars of the slowest average that a vote cannot do without
_LONG_TREND = 200
_RSI_BARS, _OVERSOLD, _OVERBOUGHT = 14, 30.0, 70.0
_ATR_BARS = 14
_MOMENTUM_BARS = 20
_MACD_FULL_ATR = 0.25  # a MACD histogram of this many ATR is already a strong one


@dataclass(frozen=True, slots=True)
class Vote:
    """One indicator's opinion: `value` in [-1, 1], and the numbers it rests on in words."""

    value: float
    factor: str


def votes(bars: Sequence[Mapping[str, Any]]) -> dict[str, Vote]:
    """The votes on at least `SLOWEST_NEEDED` bars of {h, l, c}, oldest first: trend, momentum, macd and rsi."""
    high, low, close = (np.array([bar[key] for bar in bars], dtype=np.float64) for key in "hlc")
    atr = float(talib.ATR(high, low, close, timeperiod=_ATR_BARS)[-1])
    return {"trend": trend(close), "momentum": momentum(close, atr), "macd": macd(close, atr), "rsi": rsi(close)}


def trend(close: Prices) -> Vote:
    """The mean of the signs of close - SMA20, SMA20 - SMA50 and, with 200 bars, SMA50 - SMA200."""
    averages = [float(talib.SMA(close, timeperiod=n)[-1]) for n in (20, 50, _LONG_TREND) if len(close) >= n]
    levels = [float(close[-1]), *averages]
    signs = [_sign(fast, slow) for fast, slow in zip(levels, averages, strict=False)]
    shown = " / ".join(f"{level:.2f}" for level in levels)
    return Vote(sum(signs) / len(signs), f"close / SMA20 / SMA50{' / SMA200' * (len(averages) > 2)}: {shown}")


def momentum(close: Prices, atr: float) -> Vote:
    """tanh(m / 2), where m is the change over 20 bars in units of ATR * sqrt(20), the range of a random walk."""
    change = float(close[-1] - close[-1 - _MOMENTUM_BARS])
    scaled = change / (atr * math.sqrt(_MOMENTUM_BARS)) if atr > 0 else 0.0
    percent = 100 * change / float(close[-1 - _MOMENTUM_BARS])
    return Vote(math.tanh(scaled / 2), f"20-bar momentum {percent:+.1f}%, {scaled:+.2f} ATR·√20")


def macd(close: Prices, atr: float) -> Vote:
    """tanh(h / (0.25 * ATR)), where h is the MACD(12, 26, 9) histogram: whether momentum grows or fades."""
    histogram = float(talib.MACD(close, fastperiod=12, slowperiod=26, signalperiod=9)[2][-1])
    scaled = histogram / (_MACD_FULL_ATR * atr) if atr > 0 else 0.0
    return Vote(math.tanh(scaled), f"MACD histogram {histogram:+.3f}")


def rsi(close: Prices) -> Vote:
    """Against extremes of RSI(14): 0 from 30 to 70, then linear, to -1 at 100 and +1 at 0."""
    level = float(talib.RSI(close, timeperiod=_RSI_BARS)[-1])
    if np.ptp(close[-1 - _RSI_BARS :]) == 0:
        level = 50.0  # without any change TA-Lib says 0, which would read as oversold
    if level > _OVERBOUGHT:
        return Vote(-(level - _OVERBOUGHT) / (100 - _OVERBOUGHT), f"RSI(14) {level:.1f}, overbought")
    if level < _OVERSOLD:
        return Vote((_OVERSOLD - level) / _OVERSOLD, f"RSI(14) {level:.1f}, oversold")
    return Vote(0.0, f"RSI(14) {level:.1f}")


def _sign(fast: float, slow: float) -> int:
    # Averages of equal prices differ in the last bits; that is no trend.
    return 0 if math.isclose(fast, slow, rel_tol=1e-9) else 1 if fast > slow else -1

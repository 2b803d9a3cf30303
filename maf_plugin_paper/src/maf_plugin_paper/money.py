"""Money in whole cents. What is rounded is rounded against the trader."""

from __future__ import annotations

import math

# An amount that is a whole cent but for the error of a float is that cent.
_DIGITS = 6


def cents(amount: float) -> float:
    """To the nearest cent: for sums of whole cents, which only carry the error of a float."""
    return round(amount, 2) + 0.0  # never -0.0, and a float for the sum of nothing


def up(amount: float) -> float:
    """To the next cent above: for what is paid."""
    return math.ceil(round(amount * 100, _DIGITS)) / 100


def down(amount: float) -> float:
    """To the next cent below: for what is received."""
    return math.floor(round(amount * 100, _DIGITS)) / 100

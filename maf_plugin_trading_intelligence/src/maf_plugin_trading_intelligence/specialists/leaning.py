"""From a score to a direction, the same for every specialist."""

from __future__ import annotations

from maf_core.agents.signals import Direction


def lean(score: float, dead_band: float) -> Direction:
    """The direction of a score in [-1, 1]; within ±`dead_band` it has none."""
    if abs(score) <= dead_band:
        return Direction.NEUTRAL
    return Direction.BULLISH if score > 0 else Direction.BEARISH


def sureness(score: float, dead_band: float) -> float:
    """How sure a score is of its direction, in [0, 1].

    |score| where it leans. Within the dead band it falls from 1 at zero to 0 at the edge: how clearly it is neutral.
    """
    size = abs(score)
    if size > dead_band:
        return round(min(1.0, size), 6)
    return round(1.0 - size / dead_band, 6) if dead_band else 1.0

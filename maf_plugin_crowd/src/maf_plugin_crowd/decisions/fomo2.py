"""The decision about a report: BUY, SELL or HOLD."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from maf_plugin_crowd.crowd import Crowd
from maf_plugin_crowd.models import Fomo2Signal


class Fomo2Options(BaseModel):
    """`hold_band`: how much more probable UP must be than DOWN, or the other way round, for a BUY or SELL."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hold_band: float = Field(0.1, ge=0, lt=1)


def fomo2_signal(crowd: Crowd, options: Fomo2Options) -> tuple[Fomo2Signal, str]:
    """The signal, and why.

    lead = P(UP) - P(DOWN): BUY from `hold_band` on, SELL from -`hold_band` on, with a confidence of
    |lead|·(1 - dissent); that of a HOLD is 1 - |lead|.
    """
    lead = crowd.distribution["UP"] - crowd.distribution["DOWN"]
    said = f"UP {crowd.distribution['UP']:.0%}, DOWN {crowd.distribution['DOWN']:.0%}, dissent {crowd.dissent:.0%}"
    if abs(lead) < max(options.hold_band, 1e-12):
        signal = Fomo2Signal(signal="HOLD", confidence=1 - abs(lead), horizon_hours=crowd.horizon_hours)
        return signal, f"HOLD: {said}; a lead of {abs(lead):.0%} is within the band of {options.hold_band:.0%}"
    signal = Fomo2Signal(
        signal="BUY" if lead > 0 else "SELL",
        confidence=abs(lead) * (1 - crowd.dissent),
        horizon_hours=crowd.horizon_hours,
    )
    return signal, f"{signal.signal}: {said}"


def no_signal(reason: str, horizon_hours: int) -> tuple[Fomo2Signal, str]:
    """The signal when there is no crowd to ask."""
    return Fomo2Signal(signal="HOLD", confidence=0.0, horizon_hours=horizon_hours), f"HOLD: {reason}"

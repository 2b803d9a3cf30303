"""The decision about a strategy's trade: how much of it, or a veto."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from maf_plugin_crowd.crowd import Crowd
from maf_plugin_crowd.models import OddsOddyMultiplier, Outcome


class OddsOddyOptions(BaseModel):
    """`veto_below`: a trade that the crowd gives no more chance than this is vetoed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    veto_below: float = Field(0.25, ge=0, lt=0.5)


def oddsoddy_multiplier(crowd: Crowd, trade: Outcome, options: OddsOddyOptions) -> OddsOddyMultiplier:
    """How much of a trade that pays when `trade` happens.

    agreement a = P(trade); multiplier = 2a: 1 where the crowd does not know, 2 where it is certain. Below `veto_below`
    the gate falls and the multiplier is 0. So it never falls when agreement rises.
    """
    agreement = crowd.distribution[trade]
    said = f"the crowd gives {trade} {agreement:.0%} (dissent {crowd.dissent:.0%})"
    if agreement < options.veto_below:
        return OddsOddyMultiplier(
            multiplier=0.0, gate=True, reason=f"Vetoed: {said}, less than {options.veto_below:.0%}."
        )
    word = "More" if agreement > 0.5 else "Less" if agreement < 0.5 else "As planned"
    return OddsOddyMultiplier(multiplier=min(2.0, 2 * agreement), gate=False, reason=f"{word}: {said}.")


def no_multiplier(reason: str) -> OddsOddyMultiplier:
    """The multiplier when there is no crowd to ask: the strategy's own size."""
    return OddsOddyMultiplier(multiplier=1.0, gate=False, reason=f"As planned: {reason}.")

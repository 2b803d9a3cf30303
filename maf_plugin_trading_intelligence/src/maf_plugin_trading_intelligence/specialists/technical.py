"""The technical specialist: what price bars say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from maf_core import Abstention, AgentSignal, SourceResult, SpecialistAgent
from maf_core.agents.base import AgentOptions, State
from maf_plugin_trading_intelligence.specialists.indicators import SLOWEST_NEEDED, Vote, votes
from maf_plugin_trading_intelligence.specialists.leaning import lean, sureness

# Trend and momentum carry the opinion; MACD says whether it grows or fades, RSI warns of extremes.
WEIGHTS = {"trend": 0.35, "momentum": 0.3, "macd": 0.2, "rsi": 0.15}


class TechnicalOptions(AgentOptions):
    """`min_bars`: with fewer it abstains. `dead_band`: a score no further from 0 than this is neutral."""

    min_bars: int = Field(60, ge=SLOWEST_NEEDED)
    dead_band: float = Field(0.15, ge=0, lt=1)


class TechnicalSpecialist(SpecialistAgent):
    """Reads {h, l, c} of bars, oldest first. Score: the weighted sum of four votes, in [-1, 1]."""

    domain = "technical"
    instructions = (
        "Read the price bars as a technician does: trend, momentum, volatility, and where volume confirms them."
    )
    Options = TechnicalOptions

    def routine(self, data: Mapping[str, SourceResult], state: State) -> AgentSignal | Abstention:
        """Vote on the bars; abstain when there are too few, or when the newest is too old to say anything of now."""
        options: TechnicalOptions = self.options
        result = next((result for result in data.values() if _bars(result)), None)
        bars = _bars(result) if result else []
        if len(bars) < options.min_bars:
            return Abstention(reason=f"{len(bars)} bars, {options.min_bars} needed")
        if result and any(gap.startswith("stale_") for gap in result.gaps):
            return Abstention(reason=f"the newest bar is of {bars[-1].get('t', 'an unknown time')}")
        found = votes(bars)
        score = sum(weight * found[name].value for name, weight in WEIGHTS.items())
        direction = lean(score, options.dead_band)
        return AgentSignal(
            signal=direction,
            confidence=sureness(score, options.dead_band),
            summary=f"{direction.value.capitalize()}: score {score:+.2f} over {len(bars)} bars.",
            key_factors=[_factor(name, vote) for name, vote in found.items()],
        )


def _bars(result: SourceResult) -> list[dict[str, Any]]:
    """The rows of an answer; those that were asked for over HTTP stand under `data`."""
    rows = result.data.get("data") if isinstance(result.data, Mapping) else result.data
    return list(rows or ())


def _factor(name: str, vote: Vote) -> str:
    return f"{vote.factor} (vote {vote.value:+.2f}, weight {WEIGHTS[name]:g})"

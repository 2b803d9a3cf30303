"""The forecast specialist: the probability that a forecast gives to a rise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from maf_core import Abstention, AgentSignal, SourceResult, SpecialistAgent
from maf_core.agents.base import AgentOptions, State
from maf_plugin_trading_intelligence.specialists.leaning import lean, sureness
from maf_plugin_trading_intelligence.tolerant import finite


class ForecastOptions(AgentOptions):
    """`dead_band`: a probability no further from 0.5 than this is neutral. `gain`: confidence per unit of |2p - 1|."""

    dead_band: float = Field(0.02, ge=0, lt=0.5)
    gain: float = Field(3.0, gt=0)


class ForecastSpecialist(SpecialistAgent):
    """Reads a forecast with `prob_up`. Score: gain * (2 * prob_up - 1), at most ±1; a stale forecast counts half."""

    domain = "forecast"
    instructions = (
        "Judge what the forecast is worth: its probability, its expected return, its age, and whether it is calibrated."
    )
    Options = ForecastOptions

    def routine(self, data: Mapping[str, SourceResult], state: State) -> AgentSignal | Abstention:
        """Lean as the forecast does; abstain without one."""
        options: ForecastOptions = self.options
        result = next((result for result in data.values() if result.data), None)
        if result is None:
            return Abstention(reason="no forecast")
        forecast = result.data
        prob_up = finite(forecast.get("prob_up"))
        if prob_up is None or not 0 <= prob_up <= 1:
            return Abstention(reason=f"the forecast's prob_up is {forecast.get('prob_up')!r}, not a probability")
        score = options.gain * (2 * prob_up - 1)
        dead_band = options.gain * 2 * options.dead_band
        stale = any(gap.startswith("stale_") for gap in result.gaps)
        direction = lean(score, dead_band)
        return AgentSignal(
            signal=direction,
            confidence=sureness(score, dead_band) * (0.5 if stale else 1.0),
            summary=f"{direction.value.capitalize()}: P(up) {prob_up:.3f}{', from a stale forecast' * stale}.",
            key_factors=_factors(forecast, prob_up, stale=stale),
        )


def _factors(forecast: Mapping[str, Any], prob_up: float, *, stale: bool) -> list[str]:
    factors = [f"P(up) {prob_up:.3f} over {forecast.get('horizon', '?')} bars"]
    expected = finite(forecast.get("expected_return"))
    if expected is not None:
        factors.append(f"expected return {100 * expected:+.2f}%")
    factors.append(f"backend {forecast.get('backend', 'unknown')}")
    if forecast.get("calibrated") is False:
        factors.append("not calibrated")
    if stale:
        factors.append(f"stale, as of {forecast.get('as_of', 'unknown')}: confidence halved")
    return factors

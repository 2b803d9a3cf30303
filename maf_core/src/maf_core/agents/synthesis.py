"""Turns the specialists' signals into one verdict. The score is computed here, by code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from maf_core.agents.base import Agent, AgentOptions, State
from maf_core.agents.signals import Direction

if TYPE_CHECKING:
    from maf_core.arenas.run import RunContext


class SynthesisOptions(AgentOptions):
    """`threshold`: how far from 0 the score must be for a BUY or SELL. `weights`: by agent, 1 by default."""

    threshold: float = Field(0.15, gt=0, lt=1)
    weights: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ensemble:
    """The signals taken together: `score` in [-1, 1], `agreement` and `coverage` in [0, 1]."""

    score: float
    agreement: float
    coverage: float


def ensemble(signals: list[dict[str, Any]], weights: dict[str, float], silent_weight: float) -> Ensemble:
    """Combine signals, each counted by its weight w and its confidence c, with direction d in {-1, 0, 1}.

    score = Σ w·c·d / Σ w: the confidence-weighted mean vote of those who spoke.
    agreement = |Σ w·c·d| / Σ w·c: 1 when all who spoke point the same way.
    coverage = Σ w / (Σ w + silent_weight): how much of the panel spoke.
    """
    rows = [
        (weights.get(signal["agent"], 1.0), signal["confidence"], Direction(signal["signal"]).sign)
        for signal in signals
    ]
    weight = sum(w for w, _, _ in rows)
    conviction = sum(w * c for w, c, _ in rows)
    pull = sum(w * c * d for w, c, d in rows)
    return Ensemble(
        score=pull / weight if weight else 0.0,
        agreement=abs(pull) / conviction if conviction else 0.0,
        coverage=weight / (weight + silent_weight) if weight else 0.0,
    )


class SynthesisAgent(Agent):
    """Verdict, confidence and score from all signals; without any, a HOLD of confidence 0.

    Confidence is `agreement * coverage` for BUY and SELL, `(1 - agreement) * coverage` for HOLD: how sure the panel is
    of this verdict.
    """

    Options = SynthesisOptions

    async def run(self, state: State, context: RunContext) -> State:
        """Write `agent_signals` and the `synthesis_*` fields."""
        signals = [signal for _, signal in sorted(state.get("signals", {}).items()) if signal]
        silent = [agent for agent, reason in sorted(state.get("abstentions", {}).items()) if reason]
        options: SynthesisOptions = self.options
        silent_weight = sum(options.weights.get(agent, 1.0) for agent in silent)
        found = ensemble(signals, options.weights, silent_weight)
        verdict = _verdict(found.score, options.threshold)
        sureness = 1 - found.agreement if verdict == "HOLD" else found.agreement
        return {
            "agent_signals": signals,
            "synthesis_verdict": verdict,
            "synthesis_score": round(found.score, 6),
            "synthesis_confidence": round(sureness * found.coverage, 6),
            "synthesis_reasoning": _reasoning(verdict, found, signals, silent),
        }


def _verdict(score: float, threshold: float) -> str:
    if abs(score) < threshold:
        return "HOLD"
    return "BUY" if score > 0 else "SELL"


def _reasoning(verdict: str, found: Ensemble, signals: list[dict[str, Any]], silent: list[str]) -> str:
    if not signals:
        return f"HOLD: nobody had data ({', '.join(silent) or 'no specialists'} abstained)."
    voices = ", ".join(f"{s['agent']} {s['signal'].lower()} {s['confidence']:.2f}" for s in signals)
    quiet = f"; {', '.join(silent)} abstained" if silent else ""
    return f"{verdict} at score {found.score:+.3f}, agreement {found.agreement:.2f}: {voices}{quiet}."

"""From many voices to one verdict, by code: the score, how sure it is, and what text that others wrote may do to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from maf_core.agents.base import AgentOptions
from maf_core.agents.signals import Direction


class WeighingOptions(AgentOptions):
    """`threshold`: how far from 0 the score must be for a BUY or SELL. `weights`: by agent, 1 by default.

    `untrusted`: signals that rest on text that others wrote may only `reduce` the score, or `count` like all others.
    """

    threshold: float = Field(0.15, gt=0, lt=1)
    weights: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(default_factory=dict)
    untrusted: Literal["reduce", "count"] = "reduce"


Voice = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ensemble:
    """The signals taken together: `score` in [-1, 1], `agreement` and `coverage` in [0, 1]."""

    score: float
    agreement: float
    coverage: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from an ensemble: BUY, HOLD or SELL, and how sure the panel is of that, in [0, 1]."""

    word: str
    score: float
    confidence: float
    agreement: float


@dataclass(frozen=True, slots=True)
class Weighed:
    """The verdict, and what it would be without the agents `reducing`, who may only reduce it."""

    verdict: Verdict
    trusted: Verdict
    reducing: tuple[str, ...] = ()


def ensemble(signals: Iterable[Voice], weights: Mapping[str, float], silent_weight: float) -> Ensemble:
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


def weigh(
    voices: Sequence[Voice], silent: Iterable[str], options: WeighingOptions, guests: Sequence[Voice] = ()
) -> Weighed:
    """The verdict of these voices, where the agents `silent` had nothing to say. `guests` may do no more than reduce.

    With `untrusted: reduce`, let A be the ensemble of all, and T that of the trusted voices, in which the untrusted
    ones count as silent. score = A's, clamped to between 0 and T's; confidence of a BUY or SELL = the smaller of the
    two. So a voice that rests on text can shrink an action or stop it, but never open, turn round or enlarge one.
    """
    weights = options.weights
    untrusted = [voice for voice in voices if voice.get("untrusted")] if options.untrusted == "reduce" else []
    quiet = _weight(silent, weights)
    trusted = ensemble(
        [voice for voice in voices if voice not in untrusted], weights, quiet + _weight(_agents(untrusted), weights)
    )
    without = _verdict(trusted, options.threshold)
    if not untrusted and not guests:
        return Weighed(without, without)
    everybody = ensemble([*voices, *guests], weights, quiet)
    return Weighed(_reduced(everybody, trusted, options.threshold), without, tuple(_agents([*untrusted, *guests])))


def _agents(voices: Iterable[Voice]) -> list[str]:
    return [voice["agent"] for voice in voices]


def _weight(agents: Iterable[str], weights: Mapping[str, float]) -> float:
    return sum(weights.get(agent, 1.0) for agent in agents)


def _verdict(found: Ensemble, threshold: float) -> Verdict:
    """Confidence is agreement · coverage for BUY and SELL, (1 - agreement) · coverage for HOLD."""
    word = _word(found.score, threshold)
    sureness = 1 - found.agreement if word == "HOLD" else found.agreement
    return Verdict(word, found.score, sureness * found.coverage, found.agreement)


def _reduced(everybody: Ensemble, trusted: Ensemble, threshold: float) -> Verdict:
    score = min(max(everybody.score, min(0.0, trusted.score)), max(0.0, trusted.score))
    within = _verdict(Ensemble(score, everybody.agreement, everybody.coverage), threshold)
    if within.word == "HOLD":
        return within
    confidence = min(within.confidence, trusted.agreement * trusted.coverage)
    return Verdict(within.word, score, confidence, min(everybody.agreement, trusted.agreement))


def _word(score: float, threshold: float) -> str:
    if abs(score) < threshold:
        return "HOLD"
    return "BUY" if score > 0 else "SELL"

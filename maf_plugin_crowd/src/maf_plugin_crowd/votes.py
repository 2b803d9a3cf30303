"""What one voter says, made fit to be counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from maf_core import BadEntryError
from maf_plugin_crowd.models import Outcome

PRICE_OUTCOMES: tuple[Outcome, ...] = ("UP", "DOWN", "FLAT")
EVENT_OUTCOMES: tuple[Outcome, ...] = ("YES", "NO")
# Nobody is surer than this: one voter who says 0 or 1 would outvote any number of others.
SUREST = 0.99
_MOST_DRIVERS = 10
_DRIVER_CHARS = 200
_LONGEST_HOURS = 24 * 365


@dataclass(frozen=True, slots=True)
class Vote:
    """That `outcome` happens within `horizon_hours` with this probability, and why.

    `model`: who said it, such as `ollama:gemma3` or `rules:momentum`. `weight`: its share of the panel's word.
    """

    voter: str
    model: str
    outcome: Outcome
    probability: float
    horizon_hours: int
    drivers: tuple[str, ...] = ()
    rationale: str = ""
    weight: float = 1.0


def vote_of(said: Mapping[str, Any], voter: str, model: str, outcomes: Sequence[Outcome]) -> Vote:
    """A vote from what was said about one of these outcomes.

    The probability is held within what is `SUREST`. Of two outcomes, an improbable one is a vote for the other. Raises
    `BadEntryError` for an outcome that is none of them, no probability in [0, 1], a horizon that is not positive, and
    for one of three outcomes that is less probable than a third: whoever says that contradicts himself.
    """
    outcome = _outcome(said.get("outcome"), outcomes)
    stated = _number(said, "probability")
    if not 0 <= stated <= 1:
        raise BadEntryError(f"probability {stated:g} is not within 0 to 1")
    probability = min(max(stated, 1 - SUREST), SUREST)
    if len(outcomes) == 2 and probability < 0.5:
        outcome, probability = next(other for other in outcomes if other != outcome), 1 - probability
    if probability < 1 / len(outcomes):
        raise BadEntryError(f"{outcome} with {probability:g} says that the others are more probable")
    hours = _number(said, "horizon_hours")
    if not 0 < hours <= _LONGEST_HOURS:
        raise BadEntryError(f"a horizon of {hours:g} hours is not within 0 to {_LONGEST_HOURS}")
    return Vote(
        voter=voter,
        model=model,
        outcome=outcome,
        probability=probability,
        horizon_hours=max(1, round(hours)),
        drivers=_drivers(said.get("drivers")),
        rationale=str(said.get("rationale") or "")[:1000],
    )


def _outcome(said: Any, outcomes: Sequence[Outcome]) -> Outcome:
    word = str(said).strip().upper()
    for outcome in outcomes:
        if outcome == word:
            return outcome
    raise BadEntryError(f"outcome {str(said)[:40]!r} is none of {', '.join(outcomes)}")


def _number(said: Mapping[str, Any], name: str) -> float:
    found = said.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float) or not isfinite(found):
        raise BadEntryError(f"{name} {str(found)[:40]!r} is no number")
    return float(found)


def _drivers(said: Any) -> tuple[str, ...]:
    """Each once, on one line, none too long."""
    words = [" ".join(str(driver).split())[:_DRIVER_CHARS] for driver in said] if isinstance(said, list | tuple) else []
    return tuple(dict.fromkeys(filter(None, words)))[:_MOST_DRIVERS]

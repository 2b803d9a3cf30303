"""From the votes of a panel to one prediction: pure functions, with their formulas."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, fsum, log

from maf_plugin_crowd.models import Outcome
from maf_plugin_crowd.votes import Vote

NO_DRIVER = "no voter named a driver"
_MOST_DRIVERS = 10


@dataclass(frozen=True, slots=True)
class Crowd:
    """What the panel expects.

    `outcome`: the most probable, and its `probability`; `distribution` has all. `dissent`: the share of the votes'
    weight that went to others. `coverage`: the share of the panel's weight that voted.
    """

    outcome: Outcome
    probability: float
    distribution: dict[Outcome, float]
    horizon_hours: int
    drivers: tuple[str, ...]
    dissent: float
    coverage: float


def pooled(votes: Sequence[Vote], outcomes: Sequence[Outcome], panel_weight: float) -> dict[Outcome, float]:
    """The panel's probability of each outcome: the weighted mean of log-odds, taken over the whole panel.

    A vote with probability p for one of n outcomes leaves (1 - p)/(n - 1) to each of the others. Its evidence for an
    outcome is the log of that probability less the mean of its logs (the centred log-ratio; of two outcomes, half the
    log-odds). P(o) ∝ exp(Σ w·evidence(o) / W), where W is the weight of the whole panel: the logarithmic opinion pool
    (Genest and Zidek, Combining probability distributions, Statistical Science 1, 1986), in which those who abstain add
    no evidence. So one more vote for an outcome never makes it less probable, and a panel that is mostly silent is less
    sure.
    """
    share = max(panel_weight, fsum(vote.weight for vote in votes))
    n = len(outcomes)
    evidence = {outcome: fsum(vote.weight * _evidence(vote, outcome, n) for vote in votes) for outcome in outcomes}
    odds = {outcome: exp(found / share) if share else 1.0 for outcome, found in evidence.items()}
    total = fsum(odds.values())
    return {outcome: found / total for outcome, found in odds.items()}


def crowd_of(votes: Iterable[Vote], outcomes: Sequence[Outcome], panel_weight: float) -> Crowd | None:
    """What the panel expects; None when nobody voted, or nobody whose vote weighs anything.

    The order of the votes changes nothing. Of equally probable outcomes the first in `outcomes` is taken.
    """
    counted = sorted((vote for vote in votes if vote.weight > 0), key=lambda vote: vote.voter)
    if not counted:
        return None
    distribution = pooled(counted, outcomes, panel_weight)
    outcome = max(outcomes, key=lambda one: distribution[one])
    cast = fsum(vote.weight for vote in counted)
    against = fsum(vote.weight for vote in counted if vote.outcome != outcome)
    return Crowd(
        outcome=outcome,
        probability=distribution[outcome],
        distribution=distribution,
        horizon_hours=_median([(vote.horizon_hours, vote.weight) for vote in counted]),
        drivers=_most_cited(counted, outcome),
        dissent=against / cast,
        coverage=min(1.0, cast / panel_weight) if panel_weight else 1.0,
    )


def _evidence(vote: Vote, outcome: Outcome, n: int) -> float:
    strength = log(vote.probability) - log((1 - vote.probability) / (n - 1))
    return strength * ((n - 1) / n if vote.outcome == outcome else -1 / n)


def _median(weighted: list[tuple[int, float]]) -> int:
    """The least value with half of the weight at or below it."""
    half, seen = fsum(weight for _, weight in weighted) / 2, 0.0
    for value, weight in sorted(weighted):
        seen += weight
        if seen >= half:
            return value
    return max(value for value, _ in weighted)


def _most_cited(votes: Sequence[Vote], outcome: Outcome) -> tuple[str, ...]:
    """What those who voted for the outcome cite, by weight; spelling apart, ties by the alphabet."""
    weight: dict[str, float] = defaultdict(float)
    words: dict[str, str] = {}
    for vote in votes:
        for driver in vote.drivers if vote.outcome == outcome else ():
            key = driver.casefold()
            weight[key] += vote.weight
            words[key] = min(driver, words.get(key, driver))
    cited = sorted(weight, key=lambda key: (-weight[key], key))
    return tuple(words[key] for key in cited[:_MOST_DRIVERS]) or (NO_DRIVER,)

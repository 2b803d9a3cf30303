"""A crowd of rule-based traders, each with its own rule, memory and horizon: who votes when no model is asked.

They are what they are called, simple rules over the data at hand; nobody claims that they foresee anything.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import fsum, log, sqrt, tanh

from maf_core import BadEntryError
from maf_plugin_crowd.models import Outcome
from maf_plugin_crowd.votes import SUREST, Vote

# What begins like this, voter or model, is a rule and no model.
RULES_ARE = "rules:"
_MEMORIES = (5, 10, 20, 40, 60, 120)
_HORIZONS = (4, 24, 72, 168)
# Between these a trader of prices sees no move.
_FLAT = 0.15


@dataclass(frozen=True, slots=True)
class Situation:
    """What the traders see: prices (oldest first, positive; of a bet, those of YES), and how good the news sound.

    `tone` in [-1, 1], None without news. `question`: names what is asked, so that noise differs from one to the next.
    """

    prices: Sequence[float]
    tone: float | None
    outcomes: Sequence[Outcome]
    question: str


@dataclass(frozen=True, slots=True)
class Trader:
    """`rule` names one of `RULES`; `memory` is how many prices it looks back on, `gain` how strongly it reacts."""

    name: str
    rule: str
    memory: int
    horizon_hours: int
    gain: float

    def vote(self, situation: Situation, weight: float = 1.0) -> Vote:
        """Its vote; raises `BadEntryError` with the reason when it abstains."""
        lean, driver = RULES[self.rule](self, situation)
        strength = tanh(self.gain * lean)
        outcome, probability = _spoken(strength, situation.outcomes)
        return Vote(
            voter=self.name,
            model=f"{RULES_ARE}{self.rule}",
            outcome=outcome,
            probability=probability,
            horizon_hours=self.horizon_hours,
            drivers=(driver,),
            rationale=f"{driver}; leaning {strength:+.2f} over {self.memory} prices",
            weight=weight,
        )


Rule = Callable[[Trader, Situation], tuple[float, str]]


def traders(count: int, seed: int) -> list[Trader]:
    """So many traders, the rules in turn, the rest drawn: the same seed gives the same crowd."""
    dice = random.Random(seed)
    return [_drawn(number, dice) for number in range(count)]


def _drawn(number: int, dice: random.Random) -> Trader:
    rule = list(RULES)[number % len(RULES)]
    memory, horizon = dice.choice(_MEMORIES), dice.choice(_HORIZONS)
    return Trader(f"{RULES_ARE}{rule}_{number + 1}", rule, memory, horizon, round(dice.uniform(0.3, 1.2), 3))


def _momentum(trader: Trader, situation: Situation) -> tuple[float, str]:
    """What rose goes on rising: the mean return over its standard error."""
    lean = _drift(situation.prices, trader.memory)
    return lean, f"price {_word(lean)} over {trader.memory} bars"


def _mean_reversion(trader: Trader, situation: Situation) -> tuple[float, str]:
    """What is far from its mean comes back."""
    distance = _distance(situation.prices, trader.memory)
    return -distance, f"price {abs(distance):.1f} deviations {'above' if distance > 0 else 'below'} its mean"


def _value(_: Trader, situation: Situation) -> tuple[float, str]:
    """As mean reversion, against the longest mean there is: what it is worth in the long run."""
    distance = _distance(situation.prices, len(situation.prices))
    return -distance / 2, f"price {'above' if distance > 0 else 'below'} its long-run value"


def _news_follower(_: Trader, situation: Situation) -> tuple[float, str]:
    """Good news, good price."""
    if situation.tone is None:
        raise BadEntryError("there are no news to follow")
    return 2 * situation.tone, f"the text sounds {_sound(situation.tone)}"


def _contrarian(trader: Trader, situation: Situation) -> tuple[float, str]:
    """When everybody runs one way, go the other: against the last prices, if they moved far."""
    lean = _drift(situation.prices, max(3, trader.memory // 4))
    crowded = max(0.0, abs(lean) - 1.0)
    return (-crowded if lean > 0 else crowded), f"a crowded move {'up' if lean > 0 else 'down'}"


def _noise(trader: Trader, situation: Situation) -> tuple[float, str]:
    """No reason at all, the same one every time."""
    told = hashlib.sha256(f"{trader.name}\n{situation.question}".encode()).digest()
    return int.from_bytes(told[:4]) / 2**31 - 1, "a hunch"


RULES: dict[str, Rule] = {
    "momentum": _momentum,
    "mean_reversion": _mean_reversion,
    "value": _value,
    "news_follower": _news_follower,
    "contrarian": _contrarian,
    "noise": _noise,
}


def votes_of(crowd: Sequence[Trader], situation: Situation, weight: float = 1.0) -> Iterator[Vote | tuple[str, str]]:
    """Each trader's vote, or its name and why it abstains."""
    for trader in crowd:
        try:
            yield trader.vote(situation, weight)
        except BadEntryError as error:
            yield trader.name, str(error)


def _drift(prices: Sequence[float], memory: int) -> float:
    """The t-value of the mean of the last `memory` log returns."""
    returns = _returns(prices[-memory - 1 :])
    mean = fsum(returns) / len(returns)
    deviation = sqrt(fsum((one - mean) ** 2 for one in returns) / max(1, len(returns) - 1))
    if deviation == 0:
        return float((mean > 0) - (mean < 0)) * 3
    return mean / (deviation / sqrt(len(returns)))


def _distance(prices: Sequence[float], memory: int) -> float:
    """How many standard deviations the last price lies above the mean of the last `memory`."""
    seen = _enough(prices[-memory:])
    mean = fsum(seen) / len(seen)
    deviation = sqrt(fsum((price - mean) ** 2 for price in seen) / len(seen))
    return (seen[-1] - mean) / deviation if deviation else 0.0


def _returns(prices: Sequence[float]) -> list[float]:
    seen = _enough(prices)
    return [log(after / before) for before, after in pairwise(seen)]


def _enough(prices: Sequence[float]) -> Sequence[float]:
    if len(prices) < 3 or min(prices) <= 0:
        raise BadEntryError("there are too few prices to go by")
    return prices


def _spoken(strength: float, outcomes: Sequence[Outcome]) -> tuple[Outcome, float]:
    """The outcome, and how probable it is, for a leaning in [-1, 1]: the first is the good one, the second the bad."""
    good, bad, *flat = outcomes
    even = 1 / len(outcomes)
    if flat and abs(strength) < _FLAT:
        return flat[0], even + (1 - even) * (_FLAT - abs(strength))
    return (good if strength >= 0 else bad), even + (SUREST - even) * abs(strength) * 0.8


def _word(lean: float) -> str:
    return "rising" if lean > 0 else "falling" if lean < 0 else "still"


def _sound(tone: float) -> str:
    return "good" if tone > 0 else "bad" if tone < 0 else "neither good nor bad"

"""The question that is asked, and how numbers are read from answers in words. What is unclear abstains."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev
from typing import Any, Literal

from pydantic_core import from_json

from maf_plugin_mirofish.run import Spoken

Direction = Literal["UP", "DOWN"]

_MOST_CHARS = 20_000
_MOST_DRIVERS = 10
_DRIVER_CHARS = 200
_OBJECT = re.compile(r"\{[^{}]*\}")
_PERCENT = re.compile(r"\s*(\d{1,3}(?:\.\d+)?)\s*%\s*")


@dataclass(frozen=True, slots=True)
class Opinion:
    """One answer. `prob_up`: how likely a higher price is after the time asked about."""

    prob_up: float
    drivers: tuple[str, ...] = ()


def question(symbol: str, horizon_hours: int) -> str:
    """What is asked, with the one line that counts as an answer."""
    return (
        f"From all you have seen and heard here, in your own judgement: {horizon_hours} hours from now, will the "
        f"price of {symbol} be higher (UP) or lower (DOWN) than now? End your answer with one line of JSON exactly "
        'like this, with your own values: {"direction": "UP or DOWN", "probability": 0.5 to 1.0, '
        f'"horizon_hours": {horizon_hours}, "drivers": ["up to three short reasons"]}}. '
        '"probability" is how likely the direction is that you name. If you cannot say, write {}.'
    )


def numbers_in(answers: Iterable[Spoken], horizon_hours: int) -> list[Opinion]:
    """The opinions of those who gave one."""
    found = (opinion_in(answer.text, horizon_hours) for answer in answers)
    return [opinion for opinion in found if opinion is not None]


def opinion_in(text: str, horizon_hours: int) -> Opinion | None:
    """The opinion that an answer ends with; None when it holds none or one that contradicts itself.

    It is an object with a `direction` and its `probability`, 0.5 to 1 or "50%" to "100%". One below one half speaks
    against its own direction, one about another horizon answers another question: both abstain.
    """
    for found in reversed(_OBJECT.findall(text[-_MOST_CHARS:])):
        said = _mapping(found)
        if said is not None and "probability" in said:
            return _opinion(said, horizon_hours)
    return None


def _opinion(said: dict[str, Any], horizon_hours: int) -> Opinion | None:
    direction, probability = _direction(said.get("direction")), _number(said["probability"])
    about = said.get("horizon_hours", horizon_hours)
    if direction is None or probability is None or not 0.5 <= probability <= 1 or _number(about) != horizon_hours:
        return None
    return Opinion(probability if direction == "UP" else 1 - probability, _drivers(said.get("drivers")))


def _mapping(text: str) -> dict[str, Any] | None:
    try:
        found = from_json(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _direction(value: Any) -> Direction | None:
    word = value.strip().upper() if isinstance(value, str) else ""
    return word if word in ("UP", "DOWN") else None  # type: ignore[return-value]


def _number(value: Any) -> float | None:
    """A finite number, also as text or in percent; None for anything else."""
    if isinstance(value, str) and (percent := _PERCENT.fullmatch(value)):
        return float(percent[1]) / 100
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _drivers(value: Any) -> tuple[str, ...]:
    given = value if isinstance(value, list) else [value]
    return tuple(" ".join(one.split())[:_DRIVER_CHARS] for one in given if isinstance(one, str) and one.strip())


def summary_of(opinions: Sequence[Opinion]) -> dict[str, Any]:
    """The opinions as one.

    `prob_up`: their mean, each counting the same. `direction`: UP from one half on; `probability`: of that direction.
    `dispersion`: the standard deviation of `prob_up` among those asked, None of fewer than two. `dissent_pct`: the
    share that names the other direction. `drivers`: the reasons given most often.
    """
    prob_up = fmean(opinion.prob_up for opinion in opinions)
    up = prob_up >= 0.5
    against = sum((opinion.prob_up >= 0.5) != up for opinion in opinions)
    return {
        "prob_up": prob_up,
        "direction": "UP" if up else "DOWN",
        "probability": prob_up if up else 1 - prob_up,
        "dispersion": pstdev([opinion.prob_up for opinion in opinions]) if len(opinions) > 1 else None,
        "dissent_pct": against / len(opinions),
        "drivers": _most_common(opinions),
    }


def _most_common(opinions: Iterable[Opinion]) -> list[str]:
    """Each reason as it was first worded, the most frequent first; one voice counts once for it."""
    wording: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for opinion in opinions:
        for driver in opinion.drivers:
            wording.setdefault(driver.casefold(), driver)
        counts.update(dict.fromkeys(driver.casefold() for driver in opinion.drivers).keys())
    return [wording[key] for key, _ in counts.most_common(_MOST_DRIVERS)]

"""From sampled price paths to a probability and quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from maf_plugin_kronos.wire import ForecastRequest

# Closing prices, shape (samples, horizon).
Paths = NDArray[np.float64]
# Relative differences this small are rounding: the price did not move.
_TIE = 1e-12
_QUANTILES = (0.1, 0.5, 0.9)


class Sampler(Protocol):
    """A backend: draws closing-price paths. `at_once`: how many series it is asked about together."""

    model: str
    tokenizer: str | None
    default_samples: int
    at_once: int

    def sample_many(self, requests: Sequence[ForecastRequest], samples: Sequence[int]) -> list[Paths]:
        """Draw so many paths of closes for each request, shape (samples, horizon); the same for the same seed."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What the paths say. `mean`, `p10`, `p50`, `p90`: one closing price for each step."""

    p_up_raw: float
    p_up: float
    expected_return: float
    mean: list[float]
    p10: list[float]
    p50: list[float]
    p90: list[float]


def summarise(paths: Paths, last_close: float) -> Summary:
    """Summarise closing-price paths of shape (samples, horizon) against the last known close."""
    returns = paths[:, -1] / last_close - 1.0
    ups = float(np.count_nonzero(returns > _TIE)) + 0.5 * float(np.count_nonzero(np.abs(returns) <= _TIE))
    p10, p50, p90 = np.quantile(paths, _QUANTILES, axis=0)
    return Summary(
        p_up_raw=ups / len(paths),
        p_up=shrunk(ups, len(paths)),
        expected_return=float(returns.mean()),
        mean=paths.mean(axis=0).tolist(),
        p10=p10.tolist(),
        p50=p50.tolist(),
        p90=p90.tolist(),
    )


def shrunk(ups: float, samples: int) -> float:
    """The share of rises pulled towards one half, never 0 or 1: (ups + 2) / (samples + 4).

    Agresti & Coull (1998), "Approximate is better than exact": two successes and two failures are added.
    """
    return (ups + 2.0) / (samples + 4.0)

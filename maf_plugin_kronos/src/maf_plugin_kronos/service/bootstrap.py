"""Price paths from the past alone: the stationary bootstrap of log returns.

Politis & Romano (1994), "The Stationary Bootstrap": blocks of consecutive returns start anywhere, wrap around the end,
and have geometric lengths, so that short-range dependence survives and the resampled series is stationary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from maf_plugin_kronos.service.paths import Paths
from maf_plugin_kronos.wire import ForecastRequest


class BootstrapSampler:
    """Resamples the history. No model, nothing learned: the honest baseline."""

    model = "stationary-bootstrap"
    tokenizer: str | None = None
    default_samples = 512
    at_once = 256

    def sample(self, request: ForecastRequest, samples: int) -> Paths:
        """Draw `samples` paths of `request.horizon` closes, shape (samples, horizon); the same for the same seed."""
        paths: Paths = self._alike([request], samples)[0]
        return paths

    def sample_many(self, requests: Sequence[ForecastRequest], samples: Sequence[int]) -> list[Paths]:
        """What `sample` gives for each, computed together for those that are alike in all lengths."""
        alike: dict[tuple[int, int, int], list[int]] = {}
        for place, (request, number) in enumerate(zip(requests, samples, strict=True)):
            alike.setdefault((len(request.bars), request.horizon, number), []).append(place)
        found: dict[int, Paths] = {}
        for (_, _, number), places in alike.items():
            drawn = self._alike([requests[place] for place in places], number)
            found |= zip(places, drawn, strict=True)
        return [found[place] for place in range(len(requests))]

    def _alike(self, requests: Sequence[ForecastRequest], samples: int) -> NDArray[np.float64]:
        """Paths of requests with equally many bars and steps, shape (requests, samples, horizon)."""
        horizon = requests[0].horizon
        closes = np.array([[bar.c for bar in request.bars] for request in requests])
        returns = np.diff(np.log(closes))
        count = returns.shape[1]
        indices = np.array(
            [block_indices(count, samples, horizon, np.random.default_rng(request.seed)) for request in requests]
        )
        drawn = np.take_along_axis(returns, indices.reshape(len(requests), -1), axis=1).reshape(indices.shape)
        paths: NDArray[np.float64] = closes[:, -1, None, None] * np.exp(np.cumsum(drawn, axis=2))
        return paths


def mean_block(count: int) -> int:
    """The mean block length for `count` returns: their cube root, the optimal rate of growth, and at least 1."""
    return max(1, round(math.cbrt(count)))


def block_indices(count: int, samples: int, horizon: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Which of `count` returns each path takes at each step, shape (samples, horizon).

    At every step a path jumps to a random return with probability 1 / mean block length, else it takes the next one.
    """
    steps = np.arange(horizon)
    starts = rng.integers(count, size=(samples, horizon))
    jumps = rng.random((samples, horizon)) < 1 / mean_block(count)
    jumps[:, 0] = True
    last_jump = np.maximum.accumulate(np.where(jumps, steps, 0), axis=1)
    indices: NDArray[np.int64] = (np.take_along_axis(starts, last_jump, axis=1) + steps - last_jump) % count
    return indices

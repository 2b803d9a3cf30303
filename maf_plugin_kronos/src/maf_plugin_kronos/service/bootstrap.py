"""Price paths from the past alone: the stationary bootstrap of log returns.

Politis & Romano (1994), "The Stationary Bootstrap": blocks of consecutive returns start anywhere, wrap around the end,
and have geometric lengths, so that short-range dependence survives and the resampled series is stationary.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from maf_plugin_kronos.service.paths import Paths
from maf_plugin_kronos.wire import ForecastRequest


class BootstrapSampler:
    """Resamples the history. No model, nothing learned: the honest baseline."""

    model = "stationary-bootstrap"
    tokenizer: str | None = None
    default_samples = 512

    def sample(self, request: ForecastRequest, samples: int) -> Paths:
        """Draw `samples` paths of `request.horizon` closes, shape (samples, horizon); the same for the same seed."""
        closes = np.array([bar.c for bar in request.bars])
        returns = np.diff(np.log(closes))
        indices = block_indices(len(returns), samples, request.horizon, np.random.default_rng(request.seed))
        paths: Paths = closes[-1] * np.exp(np.cumsum(returns[indices], axis=1))
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

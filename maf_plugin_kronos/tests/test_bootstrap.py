"""What must hold for every history that is resampled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maf_plugin_kronos.service.bootstrap import BootstrapSampler, block_indices, mean_block
from maf_plugin_kronos.service.paths import Summary, shrunk, summarise
from maf_plugin_kronos.service.times import next_opens
from maf_plugin_kronos.wire import ForecastRequest

FRIDAY = datetime(2025, 1, 3, 5, tzinfo=UTC)
histories = st.lists(st.floats(1.0, 1e4), min_size=10, max_size=60)
seeds = st.integers(0, 2**32)


def request_of(closes: list[float], seed: int, horizon: int) -> ForecastRequest:
    times = [FRIDAY + timedelta(days=day) for day in range(len(closes))]
    bars = [{"t": t, "o": c, "h": c, "l": c, "c": c} for t, c in zip(times, closes, strict=True)]
    return ForecastRequest(symbol="X", timeframe="1d", bars=bars, horizon=horizon, seed=seed)


def forecast(closes: list[float], seed: int, horizon: int = 5) -> Summary:
    return summarise(BootstrapSampler().sample(request_of(closes, seed, horizon), 64), closes[-1])


@given(histories, seeds, st.integers(1, 30))
@settings(max_examples=50)
def test_probability_is_open_and_quantiles_are_ordered(closes, seed, horizon):
    found = forecast(closes, seed, horizon)
    assert 0 < found.p_up < 1
    assert abs(found.p_up - 0.5) <= abs(found.p_up_raw - 0.5)
    assert len(found.p10) == len(found.p50) == len(found.p90) == len(found.mean) == horizon
    assert all(0 < p10 <= p50 <= p90 for p10, p50, p90 in zip(found.p10, found.p50, found.p90, strict=True))


@given(histories, seeds)
@settings(max_examples=30)
def test_a_seed_gives_the_same_paths(closes, seed):
    assert forecast(closes, seed) == forecast(closes, seed)


@given(st.lists(st.tuples(histories, st.integers(1, 4), st.sampled_from([16, 64]), seeds), min_size=1, max_size=6))
@settings(max_examples=50)
def test_paths_that_are_drawn_together_are_those_that_are_drawn_alone(wanted):
    requests = [request_of(closes, seed, horizon) for closes, horizon, _, seed in wanted]
    samples = [number for _, _, number, _ in wanted]
    together = BootstrapSampler().sample_many(requests, samples)
    for request, number, paths in zip(requests, samples, together, strict=True):
        assert paths.tobytes() == BootstrapSampler().sample(request, number).tobytes()


@given(histories, seeds, st.sampled_from([0.01, 3.0, 1000.0]))
@settings(max_examples=50)
def test_the_currency_does_not_matter(closes, seed, factor):
    here, there = forecast(closes, seed), forecast([close * factor for close in closes], seed)
    assert there.p_up == here.p_up
    assert there.expected_return == pytest.approx(here.expected_return, rel=1e-6, abs=1e-9)
    assert there.p50 == pytest.approx([price * factor for price in here.p50], rel=1e-9)


@given(histories, seeds)
@settings(max_examples=50)
def test_a_mirrored_history_gives_the_opposite_probability(closes, seed):
    mirrored = forecast([1e4 / close for close in closes], seed)
    assert mirrored.p_up_raw == pytest.approx(1 - forecast(closes, seed).p_up_raw)


@pytest.mark.parametrize(("drift", "low", "high"), [(0.01, 0.9, 1.0), (-0.01, 0.0, 0.1)])
def test_the_drift_of_the_past_is_kept(drift, low, high):
    noise = np.random.default_rng(5).normal(drift, 0.01, 200)
    found = forecast((100 * np.exp(np.cumsum(noise))).tolist(), seed=1, horizon=10)
    assert low < found.p_up < high
    assert found.expected_return == pytest.approx(10 * drift, abs=0.04)


def test_prices_that_never_moved_are_a_coin_toss():
    found = forecast([42.0] * 30, seed=3)
    assert (found.p_up, found.p_up_raw, found.expected_return) == (0.5, 0.5, 0.0)


def test_blocks_have_the_mean_length_and_wrap_around():
    count = 216
    indices = block_indices(count, 2000, 50, np.random.default_rng(0))
    goes_on = indices[:, 1:] == (indices[:, :-1] + 1) % count
    assert mean_block(count) == 6
    assert goes_on.mean() == pytest.approx(1 - 1 / 6, abs=0.01)
    assert set(np.unique(indices)) == set(range(count))


def test_shrinking_adds_two_rises_and_two_falls():
    assert [shrunk(0, 32), shrunk(16, 32), shrunk(32, 32)] == [2 / 36, 0.5, 34 / 36]


@pytest.mark.parametrize(
    ("last", "timeframe", "expected"),
    [
        (FRIDAY, "1d", ["2025-01-06T05:00:00+00:00", "2025-01-07T05:00:00+00:00"]),
        (FRIDAY + timedelta(days=1), "1d", ["2025-01-05T05:00:00+00:00", "2025-01-06T05:00:00+00:00"]),
        (FRIDAY, "5min", ["2025-01-03T05:05:00+00:00", "2025-01-03T05:10:00+00:00"]),
        (FRIDAY, "1w", ["2025-01-10T05:00:00+00:00", "2025-01-17T05:00:00+00:00"]),
    ],
)
def test_days_skip_weekends_unless_the_past_traded_on_one(last, timeframe, expected):
    assert [moment.isoformat() for moment in next_opens([last], timeframe, 2)] == expected

"""The trigger rules that this plugin offers, fired by what its refresher emits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from maf_plugin_kronos.store import ForecastStore, direction_of

START = datetime(2025, 1, 6, 21, tzinfo=UTC)


@pytest.fixture
def fired(redis, fire_template):
    """Emit forecasts of these probabilities, an hour apart; gives when the template fired, in hours."""

    async def fire(template: str, *probabilities: float, tf: str = "1d") -> list[int]:
        store = ForecastStore(redis, 60, threshold=0.05)

        def forecast(hour: int, prob_up: float) -> dict:
            as_of = (START + timedelta(hours=2 * hour)).isoformat()
            return {"symbol": "AAPL", "tf": tf, "as_of": as_of, "prob_up": prob_up, "direction": direction_of(prob_up)}

        emits = [store.emit([forecast(hour, prob)]) for hour, prob in enumerate(probabilities)]
        commands = await fire_template(template, *emits)
        assert {command["arena"] for command in commands} <= {"triggered"}
        assert {command["target"]["ticker"] for command in commands} <= {"AAPL"}
        return [int((datetime.fromisoformat(found["as_of"]) - START) / timedelta(hours=2)) for found in commands]

    return fire


async def test_a_shift_of_more_than_ten_points_sets_an_arena_off(fired):
    # 0.5 → 0.58 is emitted and no shift, 0.58 → 0.7 is one, 0.7 → 0.69 is not emitted, 0.69 → 0.4 is one
    assert await fired("kronos_probability_shift", 0.58, 0.7, 0.69, 0.4) == [1, 3]


async def test_an_hourly_flip_sets_an_arena_off(fired):
    assert await fired("kronos_flip_1h", 0.6, 0.7, 0.48, 0.3, 0.52, tf="1h") == [2, 4]


async def test_a_daily_flip_is_not_an_hourly_one(fired):
    assert await fired("kronos_flip_1h", 0.6, 0.4, 0.6) == []

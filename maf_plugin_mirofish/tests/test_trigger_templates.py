"""The trigger rule that this plugin offers, fired by what its refresher emits."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from maf_plugin_mirofish.store import OutcomeStore

AS_OF = datetime(2025, 1, 6, 21, tzinfo=UTC)


@pytest.fixture
def fired(redis, fire_template):
    """Whether an outcome sets an arena off."""

    async def fire(status: str = "completed", **said: float) -> bool:
        outcome = {
            "report_id": "r1",
            "symbol": "AAPL",
            "status": status,
            "as_of": AS_OF.isoformat(),
            "prob_up": 0.5,
            **said,
        }
        commands = await fire_template("mirofish_tickers", OutcomeStore(redis, 60).publish(outcome))
        assert {found["target"]["ticker"] for found in commands} <= {"AAPL"}
        assert {datetime.fromisoformat(found["as_of"]) for found in commands} <= {AS_OF}
        return bool(commands)

    return fire


async def test_a_sure_crowd_sets_an_arena_off(fired):
    assert await fired(answered=3, probability=0.6)


@pytest.mark.parametrize("said", [{"answered": 2, "probability": 0.9}, {"answered": 9, "probability": 0.59}, {}])
async def test_a_torn_or_silent_one_does_not(fired, said):
    assert not await fired(**said)


async def test_a_failure_does_not(fired):
    assert not await fired("failed")

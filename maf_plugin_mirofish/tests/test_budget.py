"""The daily budget: never exceeded, given back once, and gone after a while."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maf_core.testing import wait_until
from maf_plugin_mirofish.budget import DailyBudget
from maf_plugin_mirofish.store import TOTALS

DAY = "2024-01-02"


@pytest.fixture
def budget(redis):
    return DailyBudget(redis, "fomo2:reports", 3)


async def test_places_end(budget):
    assert [await budget.reserve(DAY, f"r{number}") for number in range(5)] == [True, True, True, False, False]
    assert await budget.used(DAY) == 3
    assert await budget.reserve("2024-01-03", "r9")


async def test_asking_again_takes_no_second_place(budget):
    assert [await budget.reserve(DAY, "r1") for _ in range(5)] == [True] * 5
    assert await budget.used(DAY) == 1


async def test_a_place_is_given_back_once(budget):
    await budget.reserve(DAY, "r1")
    await budget.reserve(DAY, "r2")
    assert [await budget.refund(DAY, run) for run in ("r1", "r1", "r9")] == [True, False, False]
    assert await budget.used(DAY) == 1


async def test_its_keys_expire(budget, redis):
    await budget.reserve(DAY, "r1")
    keys = await redis.keys("*budget*")
    assert len(keys) == 2
    assert all([0 < await redis.ttl(key) <= 3 * 86_400 for key in keys])


async def test_many_at_once_get_no_more_than_there_is(budget):
    granted = await asyncio.gather(*(budget.reserve(DAY, f"r{number % 20}") for number in range(60)))
    assert await budget.used(DAY) == 3
    assert sum(granted) == 9  # three runs that asked three times each


@given(st.lists(st.tuples(st.sampled_from(["reserve", "refund"]), st.integers(0, 5)), max_size=30))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_count_is_the_number_of_those_who_hold_a_place(budget, redis, steps):
    await redis.flushall()
    holding: set[str] = set()
    for what, number in steps:
        run = f"r{number}"
        done = await getattr(budget, what)(DAY, run)
        if what == "reserve":
            assert done == (run in holding or len(holding) < 3)
            holding |= {run} if done else set()
        else:
            assert done == (run in holding)
            holding.discard(run)
        assert await budget.used(DAY) == len(holding)


async def test_reports_over_the_budget_wait_and_go_on_when_a_place_is_free(
    simulating, put, outcome, mirofish, spent, redis
):
    mirofish.trouble("no_entities", times=1)
    async with simulating(daily_budget=1):
        await put("r1")
        assert (await outcome("r1"))["status"] == "failed"  # and its place is free again
        await put("r2")
        assert (await outcome("r2"))["status"] == "completed"
        await put("r3")
        await wait_until(lambda: _accepted(redis, 3))
        await asyncio.sleep(0.1)  # nothing is to happen
    assert await spent() == 1
    assert len(mirofish.asked("POST /api/graph/ontology/generate")) == 2


async def _accepted(redis, count: int) -> bool:
    return int(await redis.hget(TOTALS, "accepted") or 0) >= count


async def test_a_report_that_waited_too_long_is_given_up_and_said_so(simulating, put, outcome, mirofish, spent, redis):
    mirofish.stop()
    async with simulating(max_age_s=0.3):
        await put()
        await wait_until(lambda: _accepted(redis, 1))
        await asyncio.sleep(0.3)
        mirofish.start()
        found = await outcome()
    assert (found["status"], found["stage"], found["refunded"]) == ("failed", "waiting", False)
    assert await spent() == 0

"""The queue of runs: each with one worker at a time, and none lost."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from maf_core.testing import wait_until
from maf_plugin_mirofish.errors import LeaseLostError
from maf_plugin_mirofish.run import Progress, Run
from maf_plugin_mirofish.run_queue import RunQueue

MONDAY = datetime(2025, 1, 6, tzinfo=UTC)


def run(name: str = "r1", minutes: int = 0) -> Run:
    accepted = MONDAY + timedelta(minutes=minutes)
    return Run(id=name, symbol="A", symbols=["A"], title="", text="", known_at=MONDAY, accepted_at=accepted)


@pytest.fixture
def queue(redis):
    return RunQueue(redis, "fomo2:reports", 0.05)


async def test_the_one_that_has_waited_longest_comes_first(queue):
    for name, minutes in (("b", 2), ("a", 1), ("c", 3)):
        assert await queue.accept(run(name, minutes))
    assert [(await queue.begin(3)).id for _ in range(3)] == ["a", "b", "c"]
    assert await queue.begin(9) is None


async def test_no_more_are_begun_than_may_be(queue):
    await queue.accept(run("a"))
    await queue.accept(run("b"))
    assert (await queue.begin(1)).id == "a"
    assert await queue.begin(1) is None
    assert await queue.counts() == {"waiting": 1, "running": 1}


async def test_a_report_is_accepted_once_also_when_it_is_over(queue):
    assert await queue.accept(run())
    assert not await queue.accept(run())
    await queue.finish(await queue.begin(1))
    assert not await queue.accept(run())
    assert await queue.counts() == {"waiting": 0, "running": 0}


async def test_who_lost_the_lease_can_save_nothing_even_in_the_same_process(queue):
    await queue.accept(run())
    first = await queue.begin(1)
    second = await wait_until(queue.take)
    first.title = "late"
    with pytest.raises(LeaseLostError):
        await queue.save(first)
    assert [await change(first) for change in (queue.finish, queue.give_back)] == [False, False]
    assert not await queue.put_off(first, 60)
    second.title = "new"
    await queue.save(second)
    assert (await queue.read("r1")).title == "new"


async def test_what_is_put_off_is_left_alone_until_then(queue):
    await queue.accept(run())
    first = await queue.begin(1)
    await queue.put_off(first, 60)
    await asyncio.sleep(0.1)
    assert await queue.take() is None
    await queue.put_off(first, 0)
    assert (await wait_until(queue.take)).id == "r1"


async def test_what_is_given_back_waits_in_its_old_place(queue):
    await queue.accept(run("a", 1))
    await queue.accept(run("b", 2))
    await queue.give_back(await queue.begin(2))
    assert (await queue.begin(2)).id == "a"


async def test_a_run_that_cannot_be_read_is_dropped(queue, redis):
    await queue.accept(run())
    (key,) = [key async for key in redis.scan_iter("*mirofish:run:*")]
    await redis.set(key, b'{"id": "r1"}')
    assert await queue.begin(1) is None
    assert await queue.counts() == {"waiting": 0, "running": 0}


async def test_nothing_stays_for_ever(queue, redis):
    await queue.accept(run())
    await queue.finish(await queue.begin(1))
    keys = [key async for key in redis.scan_iter("*mirofish*")]
    assert [await redis.ttl(key) > 0 for key in keys] == [True]


def test_what_rests_on_a_thing_is_forgotten_with_it():
    progress = Progress(project_id="p", graph_id="g", simulation_id="s", prepared=True, started=True, asked=[1])
    progress.forget("simulation_id")
    assert progress == Progress(project_id="p", graph_id="g")

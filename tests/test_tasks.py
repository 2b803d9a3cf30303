"""Ending tasks for good, and doing what must be done although cancelled."""

from __future__ import annotations

import asyncio

import pytest

from maf_core.tasks import cancelled, to_its_end


async def test_a_task_that_swallows_a_cancellation_ends_all_the_same():
    swallowed = 0

    async def deaf() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                swallowed += 1
                if swallowed == 3:
                    raise

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)  # let it begin
    await cancelled([task], again_s=0.01)
    assert (task.cancelled(), swallowed) == (True, 3)


async def test_what_a_task_raised_is_nobodys_business():
    async def fails() -> None:
        raise ValueError("late")

    task = asyncio.create_task(fails())
    await asyncio.wait([task])
    await cancelled([task])
    assert isinstance(task.exception(), ValueError)


async def test_what_must_be_done_is_done_before_a_cancellation_gets_through():
    begun, may_end, done = asyncio.Event(), asyncio.Event(), []

    async def work() -> None:
        begun.set()
        await may_end.wait()
        done.append(True)

    task = asyncio.create_task(to_its_end(work()))
    await begun.wait()
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()
    may_end.set()
    await asyncio.wait([task])
    assert (task.cancelled(), done) == (True, [True])


async def test_what_must_be_done_may_fail():
    async def fails() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await to_its_end(fails())

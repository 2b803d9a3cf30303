"""Ending tasks for good."""

from __future__ import annotations

import asyncio

from maf_core.tasks import cancelled


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
    await cancelled([task])
    assert (task.cancelled(), swallowed) == (True, 3)


async def test_what_a_task_raised_is_nobodys_business():
    async def fails() -> None:
        raise ValueError("late")

    task = asyncio.create_task(fails())
    await asyncio.wait([task])
    await cancelled([task])
    assert isinstance(task.exception(), ValueError)

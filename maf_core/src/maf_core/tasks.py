"""End tasks for good, and let none be ended in the middle of what it must do."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

# Long enough for a task that was reached to put its affairs in order: a second cancellation would break into that, and
# leave a connection with an answer under way to whoever gets it next.
_AGAIN_SECONDS = 2.0


async def cancelled(tasks: Iterable[asyncio.Task[Any]], again_s: float = _AGAIN_SECONDS) -> None:
    """Cancel the tasks and return when all have ended, whatever they raised.

    Once is not enough: before Python 3.12 `asyncio.wait_for`, which the Redis client uses, can swallow a cancellation
    that arrives together with its result (python/cpython#86296). `again_s`: who has not ended by then is told again.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        done, pending = await asyncio.wait(pending, timeout=again_s)
        for task in done:
            if not task.cancelled():
                task.exception()  # looked at, so that asyncio does not log it as never retrieved


async def to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Do all of the work; a cancellation that comes meanwhile is raised after it."""
    task = asyncio.create_task(work)
    interrupted: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            interrupted = error
    if interrupted is not None:
        raise interrupted from (None if task.cancelled() else task.exception())
    task.result()


async def side_by_side(*works: Coroutine[Any, Any, None]) -> None:
    """Run these until all have ended. An error in one, or a cancellation, ends the others for good."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        await cancelled(tasks)

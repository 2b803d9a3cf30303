"""Run workers for the length of a `with` block."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from maf_core.worker import Worker


@asynccontextmanager
async def running(*workers: Worker) -> AsyncIterator[None]:
    """Prepare the workers, run them, and stop them at the end; an error in one is raised here."""
    stop = asyncio.Event()
    for worker in workers:
        await worker.prepare()
    async with asyncio.TaskGroup() as group:
        for worker in workers:
            group.create_task(worker.run(stop))
        try:
            yield
        finally:
            stop.set()

"""How the system does."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from fastapi import APIRouter

from maf_core.dashboard.state import get_maf_app
from maf_core.dashboard.status import Facts, look

if TYPE_CHECKING:
    from maf_core.context import AppContext

CACHED_SECONDS = 5.0


class StatusCache:
    """Looks at most every `CACHED_SECONDS`, however many ask."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._of: AppContext | None = None
        self._facts: Facts = {}
        self._until = 0.0

    async def get(self, context: AppContext) -> Facts:
        """The last look at this application, or a new one."""
        async with self._lock:
            if self._of is not context or time.monotonic() >= self._until:
                self._of, self._facts = context, await look(context)
                self._until = time.monotonic() + CACHED_SECONDS
            return self._facts


def make_router() -> APIRouter:
    """`/api/system`."""
    router = APIRouter()
    cache = StatusCache()

    @router.get("/status")
    async def status() -> Facts:
        """Redis, the services, and each worker with its heartbeat; at most five seconds old."""
        return await cache.get(get_maf_app())

    return router

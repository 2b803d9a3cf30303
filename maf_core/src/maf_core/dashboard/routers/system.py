"""How the system does."""

from __future__ import annotations

from fastapi import APIRouter

from maf_core.dashboard.attention import Facts
from maf_core.dashboard.caching import Cached
from maf_core.dashboard.state import get_maf_app
from maf_core.dashboard.status import look

CACHED_SECONDS = 5.0


def make_router() -> APIRouter:
    """`/api/system`."""
    router = APIRouter()
    cache = Cached(look, CACHED_SECONDS)

    @router.get("/status")
    async def status() -> Facts:
        """The server, services, workers, and what asks for a person; at most five seconds old."""
        return await cache.get(get_maf_app())

    return router

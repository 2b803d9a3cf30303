"""Whether it lives and whether it can work: for load balancers and supervisors."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.exceptions import HTTPException

from maf_core.dashboard.state import get_maf_app
from maf_core.dashboard.status import answers


def make_router() -> APIRouter:
    """`/healthz` and `/readyz`; they need no token."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @router.get("/readyz")
    async def readyz() -> dict[str, str]:
        """200 when an application runs and its server answers, else 503."""
        if not await answers(get_maf_app()):
            raise HTTPException(503, "Redis does not answer.")
        return {"status": "ok"}

    return router

"""The streams."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from maf_core.channels import catalogue, measure
from maf_core.dashboard.state import get_maf_app


def make_router() -> APIRouter:
    """`/api/channels`."""
    router = APIRouter()

    @router.get("")
    async def channels() -> list[dict[str, Any]]:
        """Every stream that a plugin offers or an arena reads: its length, and the age of its newest entry."""
        context = get_maf_app()
        found = await measure(context.redis, catalogue(context.plugins, context.arenas))
        return [measured.as_json() for measured in found]

    return router

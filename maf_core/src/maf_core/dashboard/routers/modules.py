"""The plugins."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from maf_core.dashboard.state import get_maf_app


def make_router() -> APIRouter:
    """`/api/modules`."""
    router = APIRouter()

    @router.get("")
    async def modules() -> list[dict[str, Any]]:
        """Every plugin: version, state, what it gives, and why it is not used."""
        return [asdict(row) for row in get_maf_app().plugins.rows]

    return router

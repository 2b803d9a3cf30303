"""How the streams do, and what was given up on them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query

from maf_core.channels import streams_health
from maf_core.dashboard.state import get_maf_app
from maf_core.streams.dead import newest
from maf_core.streams.redrive import follow


def make_router() -> APIRouter:
    """`/api/streams`."""
    router = APIRouter()

    @router.get("/health")
    async def health() -> list[dict[str, Any]]:
        """Every stream that services trim: its length beside its limit, its groups, and what is wrong."""
        context = get_maf_app()
        return [found.as_json() for found in await streams_health(context.redis, context.settings)]

    @router.get("/dead")
    async def dead(last: Annotated[int, Query(ge=1, le=1000)] = 50) -> list[dict[str, Any]]:
        """The newest dead letters and what became of them; what they hold shows `maf channels dead show`."""
        redis = get_maf_app().redis
        return [_row(asdict(found)) for found in await follow(redis, await newest(redis, last))]

    return router


def _row(followed: dict[str, Any]) -> dict[str, Any]:
    letter = followed.pop("letter")
    del letter["fields"]
    return {**letter, **followed}

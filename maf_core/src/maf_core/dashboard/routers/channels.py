"""The streams that can be looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic_core import to_json
from starlette.exceptions import HTTPException

from maf_core.channels import Channel, discover_channels, infer_schema, measure, preview_stream
from maf_core.dashboard.caching import Cached
from maf_core.dashboard.state import get_maf_app

if TYPE_CHECKING:
    from maf_core.context import AppContext

SEARCHED_SECONDS = 10.0


def make_router() -> APIRouter:
    """`/api/channels`."""
    router = APIRouter()
    found = Cached(_discovered, SEARCHED_SECONDS)

    @router.get("")
    async def channels() -> list[dict[str, Any]]:
        """Every stream that is named or found: its length, the age of its newest entry, and its groups.

        Searched for at most every ten seconds, measured each time.
        """
        context = get_maf_app()
        return [measured.as_json() for measured in await measure(context.redis, await found.get(context))]

    @router.get("/preview")
    async def preview(stream: str, count: Annotated[int, Query(ge=1, le=200)] = 10) -> Response:
        """The newest entries of a stream, long values cut, and what they look like."""
        seen = await preview_stream(get_maf_app().redis, stream, count)
        if seen.fault:
            raise HTTPException(404, f"{seen.fault}.")
        content = {**seen.as_json(), "schema": infer_schema(seen.payloads)}
        # Other people's payloads: what JSON has no word for becomes null.
        return Response(to_json(content, inf_nan_mode="null"), media_type="application/json")

    return router


async def _discovered(context: AppContext) -> list[Channel]:
    return await discover_channels(context.redis, context.plugins, context.arenas)

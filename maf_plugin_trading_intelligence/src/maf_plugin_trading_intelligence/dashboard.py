"""Routes of the dashboard: decisions, looked up by ticker and date."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, HTTPException, Query

from maf_core.dashboard.state import get_maf_app
from maf_plugin_trading_intelligence.lookup import LOOKED_THROUGH, decision_on, latest_decision

if TYPE_CHECKING:
    from maf_plugin_trading_intelligence.models import TradingIntelligenceEnvelope

Day = Annotated[date | None, Query(alias="date", description="The trade date; the latest decision without it.")]


def make_router() -> APIRouter:
    """`/api/trading_intelligence`."""
    router = APIRouter()

    @router.get("/decisions/{ticker}")
    async def decision(ticker: str, day: Day = None) -> dict[str, Any]:
        """The envelope about a ticker: that of its look-up hash on a date, else the latest on the stream."""
        redis = get_maf_app().redis
        if day is not None:
            return _found(await decision_on(redis, ticker, day), f"about {ticker} on {day}")
        return _found(
            await latest_decision(redis, ticker), f"about {ticker} among the newest {LOOKED_THROUGH}; name a date"
        )

    return router


def _found(envelope: TradingIntelligenceEnvelope | None, what: str) -> dict[str, Any]:
    if envelope is None:
        raise HTTPException(404, f"There is no decision {what}.")
    return envelope.model_dump(mode="json", fallback=str)

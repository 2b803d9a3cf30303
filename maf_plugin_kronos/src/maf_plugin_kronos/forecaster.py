"""Makes one forecast: bars → forecast service → cache → stream."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog

from maf_core import AppContext, SourceQuery
from maf_core.clock import parse_time
from maf_plugin_kronos.client import ForecastClient
from maf_plugin_kronos.config import KronosSettings
from maf_plugin_kronos.store import ForecastStore, direction_of
from maf_plugin_kronos.wire import ForecastAnswer, ForecastError

log = structlog.get_logger(__name__)

_BAD_BARS = 422


class Forecaster:
    """Brings the forecast of one series up to date with its bars."""

    def __init__(
        self, context: AppContext, settings: KronosSettings, client: ForecastClient, store: ForecastStore
    ) -> None:
        self._settings = settings
        self._client = client
        self._store = store
        self._bars = {
            tf: context.sources.get(settings.bars_source, {"timeframe": tf, "lookback": settings.lookback})
            for tf in settings.timeframes
        }
        # When the bars that the service refused were known, by series: the same bars are not sent again.
        self._refused: dict[tuple[str, str], datetime] = {}

    async def refresh(self, symbol: str, timeframe: str, as_of: datetime) -> None:
        """Forecast from the bars known at `as_of`, unless that was done before; cache it, then emit it if it is news.

        Raises `ForecastError` when the service gives none; refused bars are only logged, until there are newer ones.
        """
        found = await self._bars[timeframe].fetch(SourceQuery({"ticker": symbol}, as_of))
        if found.as_of is None or len(found.data or ()) < self._settings.min_bars:
            return
        forecast = await self._store.cached(symbol, timeframe)
        if forecast is None or parse_time(forecast["as_of"]) < found.as_of:
            forecast = await self._make(symbol, timeframe, found.as_of, found.data)
        # A cached one too: whoever cached it may have died before emitting it.
        if forecast is not None and await self._store.emit(forecast):
            await self._store.count("emitted")

    async def _make(self, symbol: str, timeframe: str, as_of: datetime, bars: Sequence[Any]) -> dict[str, Any] | None:
        if self._refused.get((symbol, timeframe)) == as_of:
            return None
        request = {
            "symbol": symbol,
            "timeframe": timeframe,
            "bars": bars,
            "horizon": self._settings.horizon,
            "samples": self._settings.samples,
            "seed": seed_of(symbol, timeframe, as_of),
        }
        try:
            answer = await self._client.forecast(request)
        except ForecastError as error:
            if error.status != _BAD_BARS:
                raise
            await self._refuse(symbol, timeframe, as_of, error)
            return None
        forecast = payload_of(answer, timeframe, as_of)
        if await self._store.save(forecast):
            await self._store.count("forecasts")
        return forecast

    async def _refuse(self, symbol: str, timeframe: str, as_of: datetime, error: ForecastError) -> None:
        self._refused[symbol, timeframe] = as_of
        log.warning("bars_refused", symbol=symbol, timeframe=timeframe, reason=str(error))
        await self._store.count("failures")


def seed_of(symbol: str, timeframe: str, as_of: datetime) -> int:
    """A 32-bit seed that is the same wherever and whenever this forecast is made."""
    digest = hashlib.sha256(f"{symbol}|{timeframe}|{as_of.isoformat()}".encode()).digest()
    return int.from_bytes(digest[:4])


def payload_of(answer: ForecastAnswer, timeframe: str, as_of: datetime) -> dict[str, Any]:
    """The forecast as it is cached and emitted. `as_of`: when the newest of its bars was known."""
    payload = answer.model_dump(mode="json")
    prob_up = payload.pop("p_up")
    moment = as_of.isoformat()
    return {
        **payload,
        "tf": timeframe,
        "as_of": moment,
        "asof": moment,
        "prob_up": prob_up,
        "direction": direction_of(prob_up),
    }

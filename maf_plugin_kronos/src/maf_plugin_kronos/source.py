"""The source `kronos_forecast`: the newest forecast of a symbol that was known at a moment."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pydantic import Field

from maf_core import BadEntryError, BaseSource, KeyFreshness, SourceConfig, SourceQuery, SourceResult
from maf_core.clock import parse_time
from maf_core.streams import codec, raw
from maf_plugin_kronos.store import CACHE_PATTERN, EMITTED, cache_key, readable

_PAGE, _PAGES = 500, 10


class KronosForecastConfig(SourceConfig):
    """Which bars the forecast is made from, and from what age on it is called stale."""

    timeframe: str = "1d"
    max_age_days: float = Field(4.0, gt=0)


class KronosForecastSource(BaseSource):
    """Data is the forecast as a mapping.

    Gaps: `no_kronos_forecast`, `parse_fail_kronos_forecast`, and `stale_kronos_forecast`, which comes with the data.
    """

    name = "kronos_forecast"
    Config = KronosForecastConfig
    config: KronosForecastConfig

    @classmethod
    def freshness_spec(cls, config: Any) -> KeyFreshness:
        """The number of cached forecasts and the age of the last emitted one."""
        return KeyFreshness(CACHE_PATTERN, EMITTED)

    async def fetch(self, query: SourceQuery) -> SourceResult:
        """The cached forecast in one round trip; where it is too new for the query, the last emitted one before it."""
        symbol = str(query.target.get("ticker") or query.target.get("symbol") or "")
        cached = await self.redis.get(cache_key(symbol, self.config.timeframe))
        forecast = readable(cached)
        if cached and forecast is None:
            return SourceResult(None, gaps=("parse_fail_kronos_forecast",))
        if forecast is not None and not _known(forecast, query.as_of):
            forecast = await self._emitted_before(symbol, query.as_of)
        if forecast is None:
            return SourceResult(None, gaps=("no_kronos_forecast",))
        as_of = parse_time(forecast["as_of"])
        stale = query.as_of - as_of > timedelta(days=self.config.max_age_days)
        return SourceResult(forecast, as_of, ("stale_kronos_forecast",) if stale else (), len(cached or b""))

    async def _emitted_before(self, symbol: str, as_of: datetime) -> dict[str, Any] | None:
        """The newest emitted forecast of the symbol known at `as_of`, within the last few thousand entries."""
        newest = "+"
        for _ in range(_PAGES):
            entries = raw.entries(await self.redis.xrevrange(EMITTED, max=newest, count=_PAGE))
            for entry_id, fields in entries:
                newest = f"({entry_id}"
                forecast = _decoded(fields)
                if self._is_of(forecast, symbol) and _known(forecast, as_of):
                    return forecast
            if len(entries) < _PAGE:
                break
        return None

    def _is_of(self, forecast: dict[str, Any], symbol: str) -> bool:
        return forecast.get("symbol") == symbol and forecast.get("tf") == self.config.timeframe


def _decoded(fields: raw.RawFields) -> dict[str, Any]:
    try:
        return codec.decode(fields)
    except BadEntryError:
        return {}


def _known(forecast: dict[str, Any], as_of: datetime) -> bool:
    try:
        return parse_time(forecast.get("as_of")) <= as_of
    except BadEntryError:
        return False

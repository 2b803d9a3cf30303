"""The source `kronos_forecast`: the newest forecast of a symbol that was known at a moment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import Field
from pydantic_core import from_json, to_json
from redis.asyncio import Redis

from maf_core import BadEntryError, BaseSource, KeyFreshness, SourceConfig, SourceQuery, SourceResult, StreamView
from maf_core.clock import parse_time
from maf_plugin_kronos.store import CACHE_PATTERN, EMITTED, cache_key, readable


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

    def __init__(self, redis: Redis, config: KronosForecastConfig) -> None:
        super().__init__(redis, config)
        self.view: StreamView[bytes] = StreamView(redis, EMITTED, self._parse)

    @classmethod
    def freshness_spec(cls, config: Any) -> KeyFreshness:
        """The number of cached forecasts and the age of the last emitted one."""
        return KeyFreshness(CACHE_PATTERN, EMITTED)

    async def fetch(self, query: SourceQuery) -> SourceResult:
        """The cached forecast in one round trip; where it is too new for the query, the last emitted one before it."""
        symbol = str(query.target.get("ticker") or query.target.get("symbol") or "").strip().upper()
        cached = await self.redis.get(cache_key(symbol, self.config.timeframe))
        forecast = readable(cached)
        if cached and forecast is None:
            return SourceResult(None, gaps=("parse_fail_kronos_forecast",))
        if forecast is not None and parse_time(forecast["as_of"]) > query.as_of:
            emitted = await self.view.latest(symbol, query.as_of.timestamp(), 1)
            forecast = from_json(emitted[0]) if emitted else None
        if forecast is None:
            return SourceResult(None, gaps=("no_kronos_forecast",))
        as_of = parse_time(forecast["as_of"])
        stale = query.as_of - as_of > timedelta(days=self.config.max_age_days)
        return SourceResult(forecast, as_of, ("stale_kronos_forecast",) if stale else (), len(cached or b""))

    def _parse(self, payload: dict[str, Any]) -> list[tuple[str, float, bytes]]:
        encoded = to_json(payload)
        forecast = readable(encoded)
        if forecast is None:
            raise BadEntryError("the entry is no forecast")
        if forecast["tf"] != self.config.timeframe:
            return []
        return [(str(forecast["symbol"]), parse_time(forecast["as_of"]).timestamp(), encoded)]

"""The source `trtools2_api`: bars of a window, snapshots, coverage and the pipeline's health, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic_core import to_json
from redis.asyncio import Redis

from maf_core import BaseSource, ExternalFreshness, SourceQuery, SourceResult
from maf_core.bars import seconds_of
from maf_core.errors import SourceError
from maf_core.sources.fields import symbol_of
from maf_plugin_trtools2.api.client import ApiClient
from maf_plugin_trtools2.api.config import ApiConfig
from maf_plugin_trtools2.api.reading import Reading, read_bars, read_now, read_snapshots

# Nights, weekends and holidays have no bars: so much more of the calendar holds `lookback` of them.
_CALENDAR = {"daily": 1.6, "intraday": 6.0}
_DAY = 86_400


class ApiSource(BaseSource):
    """Answers with {"data": rows}; with {"data": [], "error": why} when the service cannot be asked.

    Gaps: `no_trtools2_api` without rows, `stale_trtools2_api` when the newest bar is too old, `parse_fail_trtools2_api`
    when rows could not be read.
    """

    name = "trtools2_api"
    Config = ApiConfig
    config: ApiConfig

    def __init__(self, redis: Redis, config: ApiConfig) -> None:
        super().__init__(redis, config)
        self._client = ApiClient(config.timeout_s)

    @classmethod
    def freshness_spec(cls, config: ApiConfig) -> ExternalFreshness:
        """Asked at every call."""
        return ExternalFreshness()

    async def fetch(self, query: SourceQuery) -> SourceResult:
        """Ask once; what fails is an answer, never an exception."""
        no_data = f"no_{self.name}"
        if self._is_about_now and not self._is_now(query.as_of):
            return SourceResult(None, gaps=(no_data,))
        symbol = symbol_of(query)
        try:
            rows = await self._client.rows(self.config.url, self._asked(symbol, query.as_of), symbol)
        except SourceError as error:
            return SourceResult({"data": [], "error": str(error)}, gaps=(no_data,))
        reading = self._read(rows, symbol, query.as_of)
        gaps = (f"parse_fail_{self.name}",) if reading.unreadable else ()
        if not reading.rows:
            return SourceResult(None, gaps=(*gaps, no_data))
        data = {"data": reading.rows}
        return SourceResult(data, reading.as_of, (*gaps, *self._stale(reading, query.as_of)), len(to_json(data)))

    @property
    def _is_about_now(self) -> bool:
        return self.config.what in ("coverage", "health")

    def _is_now(self, as_of: datetime) -> bool:
        return abs((datetime.now(UTC) - as_of).total_seconds()) <= self.config.max_lead_s

    def _asked(self, symbol: str, as_of: datetime) -> dict[str, Any]:
        match self.config.what:
            case "bars":
                return {
                    "symbol": symbol,
                    "timeframe": self.config.timeframe,
                    "start": (as_of - self._window()).isoformat(),
                    "end": as_of.isoformat(),
                    "limit": self.config.lookback,
                    "sort": "desc",
                }
            case "snapshot":
                return {"symbols": symbol, "as_of": as_of.isoformat()}
            case "coverage":
                return {"symbol": symbol, "timeframe": self.config.timeframe}
            case "health":
                return {}

    def _window(self) -> timedelta:
        length = seconds_of(self.config.timeframe)
        days = _CALENDAR["daily" if length >= _DAY else "intraday"] * length * self.config.lookback / _DAY
        return timedelta(days=days + 7)

    def _read(self, rows: list[dict[str, Any]], symbol: str, as_of: datetime) -> Reading:
        match self.config.what:
            case "bars":
                reading = read_bars(rows, symbol, self.config.timeframe, as_of)
                return Reading(reading.rows[-self.config.lookback :], reading.as_of, reading.unreadable)
            case "snapshot":
                return read_snapshots(rows, symbol, as_of)
            case _:
                return read_now(rows, as_of)

    def _stale(self, reading: Reading, as_of: datetime) -> tuple[str, ...]:
        oldest = as_of - timedelta(days=self.config.max_age_days)
        return (f"stale_{self.name}",) if reading.as_of and reading.as_of < oldest else ()

"""The source `trtools2_bars`: the newest complete bars of a symbol."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pydantic_core import to_json
from redis.asyncio import Redis

from maf_core import BaseSource, SourceQuery, SourceResult, StreamFreshness, StreamView, parse_bar
from maf_core.sources.fields import symbol_of
from maf_core.sources.window import KEPT
from maf_plugin_trtools2.config import BarsConfig

KnownBar = tuple[datetime, dict[str, Any]]


class BarsSource(BaseSource):
    """Answers with {t, o, h, l, c, v} rows, oldest first; `t` is ISO-8601 UTC, when the bar opens.

    One bar per symbol and moment: the first that came stands. Gaps: `no_trtools2_bars`, `stale_trtools2_bars`.
    """

    name = "trtools2_bars"
    Config = BarsConfig
    config: BarsConfig

    def __init__(self, redis: Redis, config: BarsConfig) -> None:
        super().__init__(redis, config)
        self.view: StreamView[KnownBar] = StreamView(redis, config.stream_name, self._parse, keep=KEPT)

    @classmethod
    def freshness_spec(cls, config: BarsConfig) -> StreamFreshness:
        """The stream of the timeframe."""
        return StreamFreshness(config.stream_name)

    async def fetch(self, query: SourceQuery) -> SourceResult:
        """The newest `lookback` bars that were complete at `query.as_of`."""
        known = await self.view.latest(symbol_of(query), query.as_of.timestamp(), self.config.lookback)
        if not known:
            return SourceResult(None, gaps=("no_trtools2_bars",))
        newest = known[-1][0]
        stale = newest < query.as_of - timedelta(days=self.config.max_age_days)
        rows = sorted((dict(row) for _, row in known), key=lambda row: row["t"])
        return SourceResult(rows, newest, ("stale_trtools2_bars",) if stale else (), len(to_json(rows)))

    def _parse(self, payload: dict[str, Any]) -> list[tuple[str, float, KnownBar]]:
        bar = parse_bar(payload, self.config.timeframe)
        row = {"t": bar.t.isoformat(), "o": bar.o, "h": bar.h, "l": bar.l, "c": bar.c, "v": bar.v}
        return [(bar.symbol.upper(), bar.as_of.timestamp(), (bar.as_of, row))]

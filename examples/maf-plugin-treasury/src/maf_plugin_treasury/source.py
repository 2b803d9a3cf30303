"""The source `treasury_yields`: the yield curve as it was known at a moment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from maf_core import BaseSource, SourceConfig, SourceQuery, SourceResult, StreamFreshness, StreamView
from pydantic import Field, field_validator
from pydantic_core import to_json
from redis.asyncio import Redis

from maf_plugin_treasury.curve import TENORS, Curve

# One curve for all targets: the view groups by key, and this is the only one.
_CURVE = "US"


class TreasuryConfig(SourceConfig):
    """What an arena's binding may set."""

    stream: str = "treasury:yields"
    tenors: tuple[str, ...] = Field(("2 Yr", "10 Yr"), min_length=1)
    lookback: int = Field(20, ge=1, le=1000)
    max_age_days: float = Field(5.0, gt=0)

    @field_validator("tenors")
    @classmethod
    def _known_tenors(cls, tenors: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [tenor for tenor in tenors if tenor not in TENORS]
        if unknown:
            raise ValueError(f"there is no tenor {unknown[0]!r}; there are {', '.join(TENORS)}")
        return tenors


class TreasuryYields(BaseSource):
    """Answers with {date, yields, slope} rows, oldest first.

    Gaps: `no_treasury_yields`, and `stale_treasury_yields`, which comes with data.
    """

    name = "treasury_yields"
    Config = TreasuryConfig
    config: TreasuryConfig

    def __init__(self, redis: Redis, config: TreasuryConfig) -> None:
        super().__init__(redis, config)
        # Not unique by moment: a feed that was away delivers several days at once.
        self._view: StreamView[Curve] = StreamView(redis, config.stream, _parse, unique=False)

    @classmethod
    def freshness_spec(cls, config: TreasuryConfig) -> StreamFreshness:
        """The bound stream."""
        return StreamFreshness(config.stream)

    async def fetch(self, query: SourceQuery) -> SourceResult:
        """The newest `lookback` days that were known at `query.as_of`, each as last corrected by then."""
        # Twice as many, so that corrections do not crowd days out.
        known = await self._view.latest(_CURVE, query.as_of.timestamp(), 2 * self.config.lookback)
        if not known:
            return SourceResult(None, gaps=("no_treasury_yields",))
        days: dict[date, Curve] = {curve.day: curve for curve in known}
        rows = [days[day].row(self.config.tenors) for day in sorted(days)[-self.config.lookback :]]
        newest = known[-1].as_of
        stale = newest < query.as_of - timedelta(days=self.config.max_age_days)
        return SourceResult(rows, newest, ("stale_treasury_yields",) if stale else (), len(to_json(rows)))


def _parse(payload: Mapping[str, Any]) -> list[tuple[str, float, Curve]]:
    curve = Curve.parse(payload)
    return [(_CURVE, curve.as_of.timestamp(), curve)]

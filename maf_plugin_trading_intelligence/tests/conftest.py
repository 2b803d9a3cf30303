"""A panel whose sources read what a test has put on the real server."""

from __future__ import annotations

import csv
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic_core import from_json, to_json
from redis.asyncio import Redis

from maf_core import AppContext, BaseSource, KeyFreshness, SourceConfig, SourceQuery, SourceResult, SourceSpec, hookimpl
from maf_core.app import load_arenas
from maf_core.plugins import Candidate, PluginManager
from maf_plugin_trading_intelligence import plugin

HERE = Path(__file__).parent
AS_OF = datetime(2013, 2, 28, 21, tzinfo=UTC)


class StoredConfig(SourceConfig):
    timeframe: str = "1d"
    lookback: int = 260


class StoredSource(BaseSource):
    """Answers with what stands under `test:<source>:<ticker>` as {data, gaps}."""

    Config = StoredConfig

    @classmethod
    def freshness_spec(cls, config: StoredConfig) -> KeyFreshness:
        return KeyFreshness(f"test:{cls.name}:*")

    async def fetch(self, query: SourceQuery) -> SourceResult:
        stored = await self.redis.get(f"test:{self.name}:{query.target['ticker']}")
        if stored is None:
            return SourceResult(None, gaps=(f"no_{self.name}",))
        content = from_json(stored)
        return SourceResult(content["data"], query.as_of, tuple(content["gaps"]), len(stored))


def stored(source: str) -> type[BaseSource]:
    return type(source, (StoredSource,), {"name": source})


SOURCES = [stored(name) for name in ("trtools2_bars", "kronos_forecast", "trtools2_news", "trtools2_strategy_events")]


@hookimpl
def maf_sources() -> Iterator[SourceSpec]:
    for source in SOURCES:
        yield SourceSpec(name=source.name, factory=source)


@pytest.fixture
def golden() -> Path:
    return HERE / "golden"


@pytest.fixture(scope="session")
def real_bars() -> list[dict[str, Any]]:
    """520 daily bars of IBM to 2013-03-01, adjusted for dividends."""
    with (HERE / "data" / "ibm_1d.csv").open(newline="") as file:
        return [
            {"t": row.pop("t"), **{key: float(value) for key, value in row.items()}} for row in csv.DictReader(file)
        ]


@pytest.fixture
def panel() -> PluginManager:
    """This plugin and the stored sources, nothing else that may be installed."""
    sources = ModuleType("stored_sources")
    vars(sources)["maf_sources"] = maf_sources
    return PluginManager.load(
        candidates=[
            Candidate("stored_sources", "stored-sources", "1", module=sources),
            Candidate("trading_intelligence", "maf-plugin-trading-intelligence", "1", module=plugin),
        ]
    )


@pytest.fixture
def context(panel: PluginManager, make_context: Callable[..., AppContext]) -> AppContext:
    return make_context(plugins=panel, arenas=load_arenas(panel).values())


@pytest.fixture
def store(redis: Redis) -> Callable[..., Awaitable[None]]:
    """`await store(source, data, ticker="IBM", gaps=[])`: what the source answers from now on."""

    async def put(source: str, data: Any, ticker: str = "IBM", gaps: tuple[str, ...] = ()) -> None:
        await redis.set(f"test:{source}:{ticker}", to_json({"data": data, "gaps": list(gaps)}))

    return put


@pytest.fixture
def state() -> dict[str, Any]:
    """What the engine leaves after a run with two voices."""
    return {
        "arena_id": "trading_intelligence-abc",
        "target": {"ticker": "IBM", "trade_date": "2013-02-28", "exchange": "NYSE"},
        "llm_model": "rules",
        "synthesis_verdict": "BUY",
        "synthesis_confidence": 0.625,
        "synthesis_score": 0.4,
        "synthesis_reasoning": "BUY at score +0.400: technical bullish 0.50, forecast bullish 0.30.",
        "agent_signals": [
            {
                "agent": "technical",
                "domain": "technical",
                "signal": "BULLISH",
                "confidence": 0.5,
                "summary": "Bullish: score +0.50 over 260 bars.",
                "key_factors": ["RSI(14) 58.1 (vote +0.00, weight 0.15)"],
                "narrative": "stays off the wire",
            },
            {"agent": "forecast", "domain": "forecast", "signal": "BULLISH", "confidence": 0.3},
        ],
        "source_metrics": [
            {"source": "trtools2_bars", "success": True, "result_bytes": 20480, "ms": 0.8},
            {"source": "kronos_forecast", "success": True, "result_bytes": 512, "ms": 0.4},
            {"source": "trtools2_news", "success": False, "result_bytes": 0, "ms": 0.3},
        ],
        "phase_timings": [{"phase": "analysis", "seconds": 0.003}],
        "arena_total_seconds": 0.004,
    }


@pytest.fixture
def as_of() -> datetime:
    """The close in New York of the trade date that the tests decide about."""
    return AS_OF

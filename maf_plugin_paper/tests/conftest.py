"""Bars, executions and brokers for the tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from maf_core import AppContext, Bar, publish
from maf_core.bars import known_at
from maf_core.plugins import PluginManager, Selection
from maf_core.settings import Settings
from maf_core.streams import codec
from maf_core.streams.names import EXECUTIONS, OUTCOMES
from maf_plugin_paper.broker import PaperBroker

MIDNIGHT = datetime(2012, 6, 1, 4, tzinfo=UTC)  # in New York
BARS = "trtools2:bars:1d"


class Market:
    """Publishes daily bars and executions, and reads outcomes. Days count from 2012-06-01."""

    def __init__(self, redis: Any) -> None:
        self.redis = redis

    def bar(self, day: int, o: float = 100.0, *, ticker: str = "AAPL", c: float | None = None) -> Bar:
        """A bar with a wide range around its open and close."""
        opened = MIDNIGHT + timedelta(days=day)
        close = o if c is None else c
        high, low = max(o, close) * 1.2, min(o, close) * 0.8
        return Bar(ticker, "1d", opened, o, high, low, close, 1e6, known_at(opened, "1d"))

    async def tick(self, day: int, o: float = 100.0, *, ticker: str = "AAPL", c: float | None = None) -> str:
        """Publish a bar."""
        return await publish(self.redis, BARS, self.bar(day, o, ticker=ticker, c=c).payload())

    def execution(self, day: int, side: str, run: str, **changes: Any) -> dict[str, Any]:
        """An approved execution, decided when the bar of `day` became known."""
        action = {
            "arena": changes.pop("arena", "trading"),
            "arena_id": run,
            "correlation_id": f"{run}-c",
            "published_at": datetime.now(UTC).isoformat(),
            "target": {"ticker": changes.pop("ticker", "AAPL")},
            "verdict": side,
            "mode": "auto",
            "sizing": {"confidence": 0.9, "ensemble_score": 0.5, "size_fraction": changes.pop("size", 0.1)},
            "meta": {"as_of": known_at(MIDNIGHT + timedelta(days=day), "1d").isoformat()},
        }
        envelope = {"action": action, "status": "approved", "checks": [], "published_at": action["published_at"]}
        return envelope | changes

    async def decide(self, day: int, side: str, run: str, **changes: Any) -> str:
        """Publish an execution."""
        return await publish(self.redis, EXECUTIONS, self.execution(day, side, run, **changes))

    async def outcomes(self) -> list[dict[str, Any]]:
        """Everything on `maf:outcomes:out`."""
        return [codec.decode(fields) for _, fields in await self.redis.xrange(OUTCOMES)]

    async def told(self) -> list[tuple[str, str]]:
        """The kinds of all outcomes and the runs they belong to."""
        return [(outcome["kind"], outcome["arena_id"]) for outcome in await self.outcomes()]


@pytest.fixture
def market(redis) -> Market:
    """A market on the test server."""
    return Market(redis)


@pytest.fixture
def make_broker(redis) -> Callable[..., PaperBroker]:
    """A broker with the given settings of its own, on the test server or through another client."""
    plugins = PluginManager.load(Selection.from_names(""))

    def make(client: Any = None, **paper: Any) -> PaperBroker:
        broker = PaperBroker(AppContext.create(client or redis, Settings(plugins={"paper": paper}), plugins))
        for consumer in (broker.executions, broker.bars):  # look often whether to stop
            consumer.options = replace(consumer.options, block_ms=10)
        return broker

    return make

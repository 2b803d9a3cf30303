"""This plugin keeps the rules for plugins."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from maf_core import SourceResult
from maf_core.testing import ArenaConformance, PluginConformance, PublisherConformance, SpecialistConformance

FORECAST = {"symbol": "AAPL", "tf": "1d", "prob_up": 0.7, "expected_return": 0.02, "horizon": 5, "backend": "bootstrap"}


class TestPlugin(PluginConformance):
    name = "trading_intelligence"


class TestArena(ArenaConformance):
    name = "trading_intelligence"


class TestPublisher(PublisherConformance):
    name = "trading_intelligence"


class TestTechnical(SpecialistConformance):
    name = "technical"

    @pytest.fixture
    def answers(self, as_of: datetime):
        """A year of bars that rise."""
        closes = [100 + day / 2 + day % 3 for day in range(260)]
        bars = [
            {"t": (as_of - timedelta(days=260 - day)).isoformat(), "o": c, "h": c + 1, "l": c - 1, "c": c, "v": 1e6}
            for day, c in enumerate(closes)
        ]
        return {"bars": SourceResult(bars, as_of)}


class TestForecast(SpecialistConformance):
    name = "forecast"

    @pytest.fixture
    def answers(self, as_of: datetime):
        return {"forecast": SourceResult({**FORECAST, "as_of": as_of.isoformat()}, as_of)}


class TestStrategy(SpecialistConformance):
    name = "strategy"

    @pytest.fixture
    def answers(self, as_of: datetime):
        events = [{"symbol": "AAPL", "strategy": "trend", "signal": "BUY", "confidence": 0.5, "ts": as_of.isoformat()}]
        return {"strategy": SourceResult(events, as_of)}


class TestNews(SpecialistConformance):
    name = "news"

    @pytest.fixture
    def answers(self, as_of: datetime):
        items = [{"headline": "Profit beats estimates", "summary": "A record year", "symbols": ["AAPL"]}]
        return {"news": SourceResult(items, as_of)}

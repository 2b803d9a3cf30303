"""This plugin keeps the rules for plugins."""

from __future__ import annotations

from datetime import timedelta

import pytest

from maf_core.testing import FreshnessConformance, PluginConformance, SourceConformance


class TestPlugin(PluginConformance):
    name = "trtools2"


class BarEntries:
    name = "trtools2_bars"

    @pytest.fixture
    def entries(self):
        """The daily bar that closes at this moment."""

        def bar(as_of):
            opened = (as_of - timedelta(hours=16)).isoformat()
            prices = {"o": 10.0, "h": 11.0, "l": 9.0, "c": 10.5, "v": 100.0}
            return {"trtools2:bars:1d": {"symbol": "AAPL", "tf": "1d", "t": opened, **prices}}

        return bar


class TestBars(BarEntries, SourceConformance):
    pass


class TestBarsFreshness(BarEntries, FreshnessConformance):
    pass


class NewsEntries:
    name = "trtools2_news"

    @pytest.fixture
    def entries(self):
        return lambda as_of: {
            "trtools2:news": {"headline": f"At {as_of}", "symbols": ["AAPL", "MSFT"], "created_at": as_of.isoformat()}
        }


class TestNews(NewsEntries, SourceConformance):
    pass


class TestNewsFreshness(NewsEntries, FreshnessConformance):
    pass


class StrategyEntries:
    name = "trtools2_strategy_events"

    @pytest.fixture
    def entries(self):
        event = {"symbol": "AAPL", "strategy": "trend", "signal": "BUY", "confidence": 0.5}
        return lambda as_of: {"trtools2:strategy_events": {**event, "ts": as_of.isoformat()}}


class TestStrategyEvents(StrategyEntries, SourceConformance):
    pass


class TestStrategyEventsFreshness(StrategyEntries, FreshnessConformance):
    pass

"""This plugin keeps the rules for plugins."""

from __future__ import annotations

from datetime import timedelta

import pytest

from maf_core.testing import FreshnessConformance, PluginConformance, SourceConformance
from maf_plugin_trtools2.testing import TrtoolsApi


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


class IndicatorEntries:
    name = "trtools2_indicators"

    @pytest.fixture
    def entries(self):
        return lambda as_of: {
            "trtools2:indicators:1d": {"symbol": "AAPL", "ts": as_of.isoformat(), "indicators": {"rsi_14": 55.0}}
        }


class TestIndicators(IndicatorEntries, SourceConformance):
    pass


class TestIndicatorsFreshness(IndicatorEntries, FreshnessConformance):
    pass


class ApiEntries:
    name = "trtools2_api"

    @pytest.fixture
    def api(self):
        with TrtoolsApi() as service:
            yield service

    @pytest.fixture
    def config(self, api):
        return {"base_url": api.url}

    @pytest.fixture
    def entries(self):
        return lambda as_of: {"never:read": {"as_of": as_of.isoformat()}}

    @pytest.fixture
    def put(self, api):
        """The daily bar that closes at this moment."""

        async def learn(as_of):
            opened = (as_of - timedelta(hours=16)).isoformat()
            prices = {"o": 10.0, "h": 11.0, "l": 9.0, "c": 10.5, "v": 100.0}
            api.bars.setdefault("AAPL", []).append({"t": opened, **prices})

        return learn


class TestApi(ApiEntries, SourceConformance):
    pass


class TestApiFreshness(ApiEntries, FreshnessConformance):
    pass

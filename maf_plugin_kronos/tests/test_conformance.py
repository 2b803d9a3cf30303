"""This plugin keeps the rules for plugins."""

from __future__ import annotations

import pytest
from pydantic_core import to_json

from maf_core import publish
from maf_core.testing import FreshnessConformance, PluginConformance, RefresherConformance, SourceConformance
from maf_plugin_kronos.store import EMITTED, cache_key


class TestPlugin(PluginConformance):
    name = "kronos"


class ForecastEntries:
    name = "kronos_forecast"

    @pytest.fixture
    def entries(self):
        forecast = {"symbol": "AAPL", "tf": "1d", "prob_up": 0.6}
        return lambda as_of: {EMITTED: {**forecast, "as_of": as_of.isoformat()}}

    @pytest.fixture
    def put(self, redis, entries):
        """As the refresher does: the newest forecast in the cache, each one on the stream."""

        async def refresh(as_of):
            for stream, forecast in entries(as_of).items():
                await redis.set(cache_key("AAPL", "1d"), to_json(forecast), ex=60)
                await publish(redis, stream, forecast)

        return refresh


class TestForecast(ForecastEntries, SourceConformance):
    pass


class TestForecastFreshness(ForecastEntries, FreshnessConformance):
    pass


class TestRefresher(RefresherConformance):
    name = "kronos"

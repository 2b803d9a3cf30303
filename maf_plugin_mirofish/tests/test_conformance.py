"""This plugin keeps the rules for plugins."""

from __future__ import annotations

import pytest

from maf_core.testing import FreshnessConformance, PluginConformance, RefresherConformance, SourceConformance
from maf_plugin_mirofish.store import EMITTED, OutcomeStore


class TestPlugin(PluginConformance):
    name = "mirofish"


class SimulationEntries:
    name = "mirofish_sim"

    @pytest.fixture
    def entries(self):
        outcome = {"status": "completed", "symbol": "AAPL", "prob_up": 0.6}

        def at(as_of):
            return {EMITTED: {**outcome, "report_id": f"r{as_of.timestamp()}", "as_of": as_of.isoformat()}}

        return at

    @pytest.fixture
    def put(self, redis, entries):
        """As the refresher does: in the cache and on the stream."""

        async def end(as_of):
            await OutcomeStore(redis, 60).publish(entries(as_of)[EMITTED])

        return end


class TestSimulation(SimulationEntries, SourceConformance):
    pass


class TestSimulationFreshness(SimulationEntries, FreshnessConformance):
    pass


class TestRefresherThatIsOff(RefresherConformance):
    name = "mirofish"


class TestRefresher(RefresherConformance):
    name = "mirofish"

    @pytest.fixture
    def sections(self, mirofish):
        return {"mirofish": {"url": mirofish.url}}

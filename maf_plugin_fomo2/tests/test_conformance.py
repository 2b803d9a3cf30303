"""This plugin keeps the rules for plugins."""

from __future__ import annotations

import pytest
from pytest_asyncio import fixture as async_fixture

from maf_core.clock import parse_time
from maf_core.testing import FreshnessConformance, PluginConformance, SourceConformance
from maf_plugin_fomo2.testing import responding


class TestPlugin(PluginConformance):
    name = "fomo2"


class ReportEntries:
    name = "fomo2_reports"

    @pytest.fixture
    def entries(self, report):
        return lambda as_of: {"fomo2:reports": report(report_id=f"r-{as_of.timestamp()}", created_at=as_of.isoformat())}


class TestReports(ReportEntries, SourceConformance):
    pass


class TestReportsFreshness(ReportEntries, FreshnessConformance):
    pass


class TestRequests(SourceConformance):
    """The responder answers with the newest thing it knew at the moment that is asked about."""

    name = "fomo2_request"

    @pytest.fixture
    def config(self):
        return {"timeout_s": 5.0}

    @async_fixture(autouse=True)
    async def known(self, redis):
        """What fomo2 has learnt, and when."""
        moments = []
        async with responding(redis, newest_of(moments)):
            yield moments

    @pytest.fixture
    def entries(self):
        return lambda as_of: {"fomo2:responses": {"correlation_id": "0" * 32, "answer": as_of.isoformat()}}

    @pytest.fixture
    def put(self, known):
        async def learn(moment):
            known.append(moment)

        return learn

    @pytest.mark.skip(reason="the server counts the responder's commands, too, and how often it waited in vain")
    def test_s11_few_commands(self):
        pass


def newest_of(moments):
    def respond(request):
        then = [moment for moment in moments if moment <= parse_time(request["as_of"])]
        answer = {"correlation_id": request["correlation_id"]}
        if request["symbol"] != "AAPL" or not then:
            return [{**answer, "error": "nothing is known"}]
        newest = max(then).isoformat()
        return [{**answer, "as_of": newest, "report": {"of": [newest]}}]

    return respond

"""Arenas that still bind Alpaca are told what to write instead."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from maf_core import SourceQuery
from maf_core.plugins import PluginManager, Selection
from maf_core.records import SourceSpec
from maf_core.sources.catalog import SourceCatalog, configured


@pytest.mark.parametrize("name", ["alpaca_bars", "alpaca_news", "alpaca_snapshot"])
async def test_the_answer_says_what_to_bind_and_that_binding_is_valid(redis, name):
    plugins = PluginManager.load(Selection())
    source = SourceCatalog(redis, plugins).get(name, {"feed": "iex", "limit": 5})
    answer = await source.fetch(SourceQuery({"ticker": "AAPL"}, datetime.now(UTC)))
    assert answer.data["data"] == []
    assert answer.gaps == (f"no_{name}",)
    instead = plugins.get("maf_sources", SourceSpec, name).replaced_by
    assert f"source: {instead}" in answer.data["error"]
    configured(plugins, instead, {})

"""This plugin keeps the rules for plugins."""

from __future__ import annotations

import pytest

from maf_core.testing import MemoryBackendConformance, PluginConformance


class TestPlugin(PluginConformance):
    name = "mastermind"


class TestBm25(MemoryBackendConformance):
    name = "bm25"

    @pytest.fixture
    def sections(self):
        return {"mastermind": {"keep": 10}}

    @pytest.fixture
    def keeps(self):
        return 10

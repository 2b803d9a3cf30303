"""This plugin keeps the rules for plugins."""

from __future__ import annotations

from maf_core.testing import PluginConformance, WorkerConformance


class TestPlugin(PluginConformance):
    name = "paper"


class TestBroker(WorkerConformance):
    name = "paper"

"""This plugin keeps the rules for plugins."""

from __future__ import annotations

from maf_core.testing import PluginConformance


class TestPlugin(PluginConformance):
    name = "crowd"

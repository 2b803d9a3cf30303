"""The plugin keeps the rules for plugins: those of `maf plugins check treasury`."""

from __future__ import annotations

from maf_core.testing import PluginConformance


class TestPlugin(PluginConformance):
    name = "treasury"

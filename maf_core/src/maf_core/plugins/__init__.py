"""The plugin kernel: discovery, selection, isolation and the typed readers. Only this package calls pluggy."""

from __future__ import annotations

from maf_core.plugins.discovery import Candidate, Selection, discover
from maf_core.plugins.manager import PluginManager, PluginRow, Status

__all__ = ["Candidate", "PluginManager", "PluginRow", "Selection", "Status", "discover"]

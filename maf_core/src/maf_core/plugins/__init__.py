"""The plugin kernel: discovery, selection, isolation and the typed readers. Only this package calls pluggy."""

from __future__ import annotations

from maf_core.plugins.discovery import Candidate, discover
from maf_core.plugins.manager import PluginManager
from maf_core.plugins.rows import PluginRow, Status
from maf_core.plugins.selection import Selection

__all__ = ["Candidate", "PluginManager", "PluginRow", "Selection", "Status", "discover"]

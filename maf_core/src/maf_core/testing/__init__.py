"""What a plugin author tests with: fixtures on a real server, `running`, `wait_until`, and the conformance classes.

The conformance classes need pytest; they load on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from maf_core.testing.running import running
from maf_core.testing.waiting import wait_until

if TYPE_CHECKING:
    from maf_core.testing.conformance import (
        AgentConformance,
        ArenaConformance,
        FreshnessConformance,
        MemoryBackendConformance,
        PluginConformance,
        PublisherConformance,
        RefresherConformance,
        RiskCheckConformance,
        RouterConformance,
        SourceConformance,
        SpecialistConformance,
        WorkerConformance,
    )

__all__ = [
    "AgentConformance",
    "ArenaConformance",
    "FreshnessConformance",
    "MemoryBackendConformance",
    "PluginConformance",
    "PublisherConformance",
    "RefresherConformance",
    "RiskCheckConformance",
    "RouterConformance",
    "SourceConformance",
    "SpecialistConformance",
    "WorkerConformance",
    "running",
    "wait_until",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'maf_core.testing' has no attribute {name!r}")
    return getattr(importlib.import_module("maf_core.testing.conformance"), name)

"""The rules for what plugins give, as pytest classes: an author subclasses one for each thing and overrides little."""

from __future__ import annotations

from maf_core.testing.conformance.agent import AgentConformance
from maf_core.testing.conformance.arena import ArenaConformance
from maf_core.testing.conformance.freshness import FreshnessConformance
from maf_core.testing.conformance.memory import MemoryBackendConformance
from maf_core.testing.conformance.plugin import PluginConformance
from maf_core.testing.conformance.publishing import PublisherConformance, RouterConformance
from maf_core.testing.conformance.risk_check import RiskCheckConformance
from maf_core.testing.conformance.source import SourceConformance
from maf_core.testing.conformance.specialist import SpecialistConformance
from maf_core.testing.conformance.worker import RefresherConformance, WorkerConformance

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
]

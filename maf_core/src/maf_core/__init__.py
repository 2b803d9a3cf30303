"""MAF: market decisions by panels of agents. The names here are what a plugin author uses.

They load on first use: a plugin's entry module that imports `hookimpl` and a record class pays for nothing else.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maf_core.agents.base import Agent, AgentOptions, State
    from maf_core.agents.signals import Abstention, AgentSignal, Direction
    from maf_core.agents.specialist import SpecialistAgent
    from maf_core.arenas.run import FinishedRun, RunContext
    from maf_core.bars import Bar, parse_bar
    from maf_core.context import AppContext
    from maf_core.envelopes import EnvelopeModel, UtcDatetime, decode_envelope
    from maf_core.errors import BadEntryError, MAFError
    from maf_core.hookspecs import hookimpl
    from maf_core.llm.base import LLMProvider, ModelInfo
    from maf_core.memory.base import Memory, MemoryBackend, MemoryQuery, Outcome, Recalled
    from maf_core.outbox.book import RiskBook
    from maf_core.outbox.models import CheckResult, ExecutionEnvelope, TradingAction
    from maf_core.plane.refresher import NotUsableError, Refresher, RefreshError, ServiceAwayError, Target
    from maf_core.records import (
        AgentSpec,
        ArenaSpec,
        ChannelSpec,
        CommandSpec,
        DashboardRouterSpec,
        LLMProviderSpec,
        MemoryBackendSpec,
        PublisherSpec,
        RefresherSpec,
        RiskCheckSpec,
        RouterSpec,
        SourceSpec,
        TriggerTemplatesSpec,
        WorkerSpec,
    )
    from maf_core.settings import PluginSettings
    from maf_core.sources.base import BaseSource, SourceConfig, SourceQuery, SourceResult
    from maf_core.sources.freshness import (
        ExternalFreshness,
        KeyFreshness,
        RequestResponseFreshness,
        ScanFreshness,
        StreamFreshness,
    )
    from maf_core.streams.consume import Entry, GroupConsumer
    from maf_core.streams.publish import publish, publish_once
    from maf_core.streams.view import StreamView
    from maf_core.worker import ConsumerWorker, Worker

_HOMES = {
    "Abstention": "agents.signals",
    "Agent": "agents.base",
    "AgentOptions": "agents.base",
    "AgentSignal": "agents.signals",
    "AgentSpec": "records",
    "AppContext": "context",
    "ArenaSpec": "records",
    "BadEntryError": "errors",
    "Bar": "bars",
    "BaseSource": "sources.base",
    "ChannelSpec": "records",
    "CheckResult": "outbox.models",
    "CommandSpec": "records",
    "ConsumerWorker": "worker",
    "DashboardRouterSpec": "records",
    "Direction": "agents.signals",
    "Entry": "streams.consume",
    "EnvelopeModel": "envelopes",
    "ExecutionEnvelope": "outbox.models",
    "ExternalFreshness": "sources.freshness",
    "FinishedRun": "arenas.run",
    "GroupConsumer": "streams.consume",
    "KeyFreshness": "sources.freshness",
    "LLMProvider": "llm.base",
    "LLMProviderSpec": "records",
    "MAFError": "errors",
    "Memory": "memory.base",
    "MemoryBackend": "memory.base",
    "MemoryBackendSpec": "records",
    "MemoryQuery": "memory.base",
    "ModelInfo": "llm.base",
    "NotUsableError": "plane.refresher",
    "Outcome": "memory.base",
    "PluginSettings": "settings",
    "PublisherSpec": "records",
    "Recalled": "memory.base",
    "RefreshError": "plane.refresher",
    "Refresher": "plane.refresher",
    "RefresherSpec": "records",
    "RequestResponseFreshness": "sources.freshness",
    "RiskBook": "outbox.book",
    "RiskCheckSpec": "records",
    "RouterSpec": "records",
    "RunContext": "arenas.run",
    "ScanFreshness": "sources.freshness",
    "ServiceAwayError": "plane.refresher",
    "SourceConfig": "sources.base",
    "SourceQuery": "sources.base",
    "SourceResult": "sources.base",
    "SourceSpec": "records",
    "SpecialistAgent": "agents.specialist",
    "State": "agents.base",
    "StreamFreshness": "sources.freshness",
    "StreamView": "streams.view",
    "Target": "plane.refresher",
    "TradingAction": "outbox.models",
    "TriggerTemplatesSpec": "records",
    "UtcDatetime": "envelopes",
    "Worker": "worker",
    "WorkerSpec": "records",
    "decode_envelope": "envelopes",
    "hookimpl": "hookspecs",
    "parse_bar": "bars",
    "publish": "streams.publish",
    "publish_once": "streams.publish",
}

__all__ = [
    "Abstention",
    "Agent",
    "AgentOptions",
    "AgentSignal",
    "AgentSpec",
    "AppContext",
    "ArenaSpec",
    "BadEntryError",
    "Bar",
    "BaseSource",
    "ChannelSpec",
    "CheckResult",
    "CommandSpec",
    "ConsumerWorker",
    "DashboardRouterSpec",
    "Direction",
    "Entry",
    "EnvelopeModel",
    "ExecutionEnvelope",
    "ExternalFreshness",
    "FinishedRun",
    "GroupConsumer",
    "KeyFreshness",
    "LLMProvider",
    "LLMProviderSpec",
    "MAFError",
    "Memory",
    "MemoryBackend",
    "MemoryBackendSpec",
    "MemoryQuery",
    "ModelInfo",
    "NotUsableError",
    "Outcome",
    "PluginSettings",
    "PublisherSpec",
    "Recalled",
    "RefreshError",
    "Refresher",
    "RefresherSpec",
    "RequestResponseFreshness",
    "RiskBook",
    "RiskCheckSpec",
    "RouterSpec",
    "RunContext",
    "ScanFreshness",
    "ServiceAwayError",
    "SourceConfig",
    "SourceQuery",
    "SourceResult",
    "SourceSpec",
    "SpecialistAgent",
    "State",
    "StreamFreshness",
    "StreamView",
    "Target",
    "TradingAction",
    "TriggerTemplatesSpec",
    "UtcDatetime",
    "Worker",
    "WorkerSpec",
    "decode_envelope",
    "hookimpl",
    "parse_bar",
    "publish",
    "publish_once",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'maf_core' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"maf_core.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

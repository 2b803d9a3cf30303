"""The import line of existing consumers: everything of `maf_plugin_trading_intelligence.stream`."""

from __future__ import annotations

from maf_plugin_trading_intelligence.stream import (
    DECISION_HASH_PREFIX,
    DEFAULT_STREAM_NAME,
    AgentSignalView,
    MarketMindDecision,
    SourceMetricsSummary,
    SynthesisView,
    TargetView,
    TradingIntelligenceEnvelope,
    build_envelope_from_state,
    decode_envelope,
    publish_decision_hash,
    publish_envelope,
)

__all__ = [
    "DECISION_HASH_PREFIX",
    "DEFAULT_STREAM_NAME",
    "AgentSignalView",
    "MarketMindDecision",
    "SourceMetricsSummary",
    "SynthesisView",
    "TargetView",
    "TradingIntelligenceEnvelope",
    "build_envelope_from_state",
    "decode_envelope",
    "publish_decision_hash",
    "publish_envelope",
]

"""The wire of this arena: what a producer writes and a consumer reads, in one import."""

from __future__ import annotations

from maf_plugin_trading_intelligence.build import build_envelope_from_state
from maf_plugin_trading_intelligence.decode import decode_envelope
from maf_plugin_trading_intelligence.models import (
    AgentSignalView,
    MarketMindDecision,
    SourceMetricsSummary,
    SynthesisView,
    TargetView,
    TradingIntelligenceEnvelope,
)
from maf_plugin_trading_intelligence.publish import (
    DECISION_HASH_PREFIX,
    DEFAULT_STREAM_NAME,
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

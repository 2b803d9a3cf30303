"""The import line of existing consumers: everything of `maf_plugin_crowd.stream`."""

from __future__ import annotations

from maf_plugin_crowd.stream import (
    DEFAULT_STREAM_NAME,
    CrowdPrediction,
    CrowdPredictionEnvelope,
    Decision,
    DecisionKind,
    EnvelopeRefusedError,
    Fomo2Signal,
    ModelVote,
    OddsOddyMultiplier,
    Outcome,
    PolymarketSide,
    SourceType,
    decode_envelope,
    publish_envelope,
)

__all__ = [
    "DEFAULT_STREAM_NAME",
    "CrowdPrediction",
    "CrowdPredictionEnvelope",
    "Decision",
    "DecisionKind",
    "EnvelopeRefusedError",
    "Fomo2Signal",
    "ModelVote",
    "OddsOddyMultiplier",
    "Outcome",
    "PolymarketSide",
    "SourceType",
    "decode_envelope",
    "publish_envelope",
]

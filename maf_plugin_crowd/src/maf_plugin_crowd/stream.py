"""The wire of this arena: what a producer writes and a consumer reads, in one import."""

from __future__ import annotations

from maf_plugin_crowd.decode import decode_envelope
from maf_plugin_crowd.models import (
    CrowdPrediction,
    CrowdPredictionEnvelope,
    Decision,
    DecisionKind,
    Fomo2Signal,
    ModelVote,
    OddsOddyMultiplier,
    Outcome,
    PolymarketSide,
    SourceType,
)
from maf_plugin_crowd.publish import DEFAULT_STREAM_NAME, EnvelopeRefusedError, publish_envelope

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

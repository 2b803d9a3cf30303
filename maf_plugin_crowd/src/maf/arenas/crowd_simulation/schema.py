"""The import line of existing consumers: everything of `maf_plugin_crowd.schema`."""

from __future__ import annotations

from maf_plugin_crowd.schema import (
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

__all__ = [
    "CrowdPrediction",
    "CrowdPredictionEnvelope",
    "Decision",
    "DecisionKind",
    "Fomo2Signal",
    "ModelVote",
    "OddsOddyMultiplier",
    "Outcome",
    "PolymarketSide",
    "SourceType",
]

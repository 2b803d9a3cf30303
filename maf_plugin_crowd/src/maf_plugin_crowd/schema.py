"""The models of this wire, in one import: what a consumer validates against."""

from __future__ import annotations

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

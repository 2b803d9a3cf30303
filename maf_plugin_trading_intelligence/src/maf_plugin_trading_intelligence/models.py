"""The models of the envelope on `maf:arena:trading_intelligence:output`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat, model_validator

from maf_core import EnvelopeModel, UtcDatetime

SCHEMA_VERSION = "1"
SUMMARY_LENGTH = 300
KEY_FACTORS = 10

Verdict = Literal["BUY", "HOLD", "SELL"]
SignalDirection = Literal["BULLISH", "BEARISH", "NEUTRAL"]
Unit = Annotated[FiniteFloat, Field(ge=0, le=1)]


class TargetView(EnvelopeModel):
    """What was decided about. `trade_date` is ISO (2013-02-28)."""

    ticker: str
    trade_date: str = ""
    exchange: str = ""
    asset_class: str = "equity"


class SynthesisView(EnvelopeModel):
    """The verdict: `confidence` in [0, 1], `ensemble_score` in [-1, 1]."""

    verdict: Verdict
    confidence: Unit
    ensemble_score: Annotated[FiniteFloat, Field(ge=-1, le=1)]
    reasoning: str = ""


class AgentSignalView(EnvelopeModel):
    """What one specialist said; its narrative stays off the wire."""

    agent: str
    domain: str
    signal: SignalDirection
    confidence: Unit
    summary: str = ""
    key_factors: list[str] = Field(default_factory=list)


class SourceMetricsSummary(EnvelopeModel):
    """Calls to sources during the run. `by_source`: source name → number of calls."""

    total_calls: int = 0
    successful: int = 0
    failed: int = 0
    total_bytes: int = 0
    by_source: dict[str, int] = Field(default_factory=dict)


class MarketMindDecision(EnvelopeModel):
    """A decision and what it rests on.

    Reads a whole envelope too, of which it takes the decision: `MarketMindDecision.model_validate_json(hash["json"])`
    works although that field of the look-up hash holds the envelope.
    """

    target: TargetView
    synthesis: SynthesisView
    agent_signals: list[AgentSignalView] = Field(default_factory=list)
    source_metrics: SourceMetricsSummary = SourceMetricsSummary()
    phase_timings: list[dict[str, Any]] = Field(default_factory=list)
    arena_total_seconds: FiniteFloat | None = None

    @model_validator(mode="before")
    @classmethod
    def _unwrapped(cls, data: Any) -> Any:
        # Consumers read the hash both ways. A bare decision has no schema_version, so the two cannot be mistaken.
        if isinstance(data, Mapping) and data.get("schema_version") == SCHEMA_VERSION and "decision" in data:
            return data["decision"]
        return data


class TradingIntelligenceEnvelope(EnvelopeModel):
    """One published decision. `arena_id` names the run, `correlation_id` is what consumers de-duplicate on."""

    schema_version: Literal["1"] = "1"
    arena: Literal["trading_intelligence"] = "trading_intelligence"
    decision: MarketMindDecision
    published_at: UtcDatetime
    correlation_id: str = Field(pattern=r"^[0-9a-f]{32}$")
    arena_id: str = ""
    meta: dict[str, Any] = Field(default_factory=dict)

"""The models of the envelope on `maf:arena:crowd_simulation:output`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StrictInt, ValidationError, ValidationInfo, field_validator

from maf_core import EnvelopeModel, UtcDatetime

SCHEMA_VERSION = "1"

Outcome = Literal["UP", "DOWN", "FLAT", "YES", "NO"]
SourceType = Literal["fomo2_report", "polymarket_bet", "oddsoddy_strategy"]
DecisionKind = Literal["fomo2_signal", "polymarket_side", "oddsoddy_multiplier"]

# Strict: a probability of `true` or "0.5" is a mistake of the writer, not a number.
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Unit = Annotated[Number, Field(ge=0, le=1)]


class ModelVote(EnvelopeModel):
    """What one simulated voice said. `weight`: its share of the crowd's word, at least 0, in no fixed unit."""

    model: str
    outcome: Outcome
    probability: Unit
    weight: Annotated[Number, Field(ge=0)]
    rationale: str


class CrowdPrediction(EnvelopeModel):
    """What the crowd expects within `horizon_hours`, and why.

    `probability`: that `outcome` happens. `dissent_pct`: a fraction in [0, 1], despite its name. `source_id` names the
    report, bet or strategy that was put before the crowd.
    """

    outcome: Outcome
    probability: Unit
    horizon_hours: Annotated[StrictInt, Field(gt=0)]
    top_drivers: Annotated[list[str], Field(min_length=1, max_length=10)]
    dissent_pct: Unit
    source_type: SourceType
    source_id: Annotated[str, Field(min_length=1)]
    model_votes: list[ModelVote]
    generated_at: UtcDatetime


class Fomo2Signal(EnvelopeModel):
    """The decision of kind `fomo2_signal`."""

    signal: Literal["BUY", "SELL", "HOLD"]
    confidence: Unit
    horizon_hours: StrictInt


class PolymarketSide(EnvelopeModel):
    """The decision of kind `polymarket_side`. `edge_bps`: hundredths of a percent; `suggested_size_usd`: dollars."""

    side: Literal["YES", "NO", "SKIP"]
    edge_bps: StrictInt
    suggested_size_usd: Number


class OddsOddyMultiplier(EnvelopeModel):
    """The decision of kind `oddsoddy_multiplier`. `gate`: true when the crowd vetoes the trade."""

    multiplier: Annotated[Number, Field(ge=0, le=2)]
    gate: StrictBool
    reason: str


Decision = Fomo2Signal | PolymarketSide | OddsOddyMultiplier

DECISIONS: dict[DecisionKind, type[Decision]] = {
    "fomo2_signal": Fomo2Signal,
    "polymarket_side": PolymarketSide,
    "oddsoddy_multiplier": OddsOddyMultiplier,
}
KIND_OF_SOURCE: dict[SourceType, DecisionKind] = {
    "fomo2_report": "fomo2_signal",
    "polymarket_bet": "polymarket_side",
    "oddsoddy_strategy": "oddsoddy_multiplier",
}


class CrowdPredictionEnvelope(EnvelopeModel):
    """One published prediction. Consumers de-duplicate on `correlation_id`, which is fresh in every envelope.

    `decision` has the shape that `decision_kind` names. That the kind fits `prediction.source_type` is the publisher's
    business: a reader goes by the kind.
    """

    schema_version: Literal["1"] = "1"
    arena: Literal["crowd_simulation"] = "crowd_simulation"
    prediction: CrowdPrediction
    decision_kind: DecisionKind  # before the decision, whose shape follows from it
    decision: Decision
    published_at: UtcDatetime
    correlation_id: str = Field(pattern=r"^[0-9a-f]{32}$")

    @field_validator("decision", mode="before")
    @classmethod
    def _of_its_kind(cls, decision: Any, info: ValidationInfo) -> Any:
        kind = info.data.get("decision_kind")
        if kind is None:  # refused already
            return decision
        try:
            return DECISIONS[kind].model_validate(decision)
        except ValidationError as error:
            raise ValueError(f"as {kind}: {faults(error)}") from error


class OpenPrediction(CrowdPrediction):
    """A prediction about something that another plugin decides about; outcomes are that plugin's words."""

    outcome: Annotated[str, Field(min_length=1)]  # type: ignore[assignment]
    source_type: Annotated[str, Field(min_length=1)]  # type: ignore[assignment]
    model_votes: list[dict[str, Any]]  # type: ignore[assignment]


class OpenEnvelope(EnvelopeModel):
    """An envelope of a decision kind that another plugin brings. Who knows the three kinds only passes it over."""

    schema_version: Literal["1"] = "1"
    arena: Literal["crowd_simulation"] = "crowd_simulation"
    prediction: OpenPrediction
    decision_kind: Annotated[str, Field(min_length=1)]
    decision: dict[str, Any]
    published_at: UtcDatetime
    correlation_id: str = Field(pattern=r"^[0-9a-f]{32}$")


def faults(error: ValidationError) -> str:
    """What is wrong and where, in one line, without the values."""
    found = error.errors(include_input=False, include_url=False)
    return "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'the whole'}: {fault['msg']}" for fault in found)

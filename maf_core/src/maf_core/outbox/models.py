"""The envelopes of the outboxes. Frozen; a new field is compatible, anything else needs a new version."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from maf_core.arenas.config import ActionMode

Verdict = Literal["BUY", "HOLD", "SELL"]
ExecutionStatus = Literal["approved", "rejected", "pending_approval"]


class Envelope(BaseModel):
    """Base of every versioned envelope."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: Literal["1"] = "1"


class ActionTarget(BaseModel):
    """What a trading action is about."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    ticker: str = Field(min_length=1)
    exchange: str = ""
    asset_class: str = "equity"
    trade_date: str = ""


class ActionSizing(BaseModel):
    """How much: `size_fraction` of the arena's equity in [0, 1]; 0 for a HOLD. `horizon` such as `5d`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    confidence: float = Field(ge=0, le=1)
    ensemble_score: float = Field(ge=-1, le=1)
    size_fraction: float = Field(ge=0, le=1)
    horizon: str = ""


class TradingAction(Envelope):
    """A trading arena's decision, on `maf:actions:out`."""

    arena: str
    arena_id: str
    correlation_id: str
    published_at: datetime
    target: ActionTarget
    verdict: Verdict
    mode: ActionMode
    sizing: ActionSizing
    reasoning: str = ""
    meta: dict[str, Any] = Field(default_factory=dict)


class Contributor(BaseModel):
    """What one agent contributed to a generic decision."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    agent: str
    signal: str = ""
    confidence: float = 0.0
    summary: str = ""


class GenericDecision(Envelope):
    """A deliberation arena's decision, on `maf:decisions:out`."""

    arena: str
    arena_id: str
    correlation_id: str
    published_at: datetime
    target: dict[str, Any]
    target_key: str
    verdict: str
    confidence: float = Field(ge=0, le=1)
    reasoning: str = ""
    contributors: list[Contributor] = Field(default_factory=list)
    meta: dict[str, Any] = Field(default_factory=dict)


class CheckResult(BaseModel):
    """One risk check's answer."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    result: Literal["passed", "failed", "needs_approval"]
    reason: str = ""


class ExecutionEnvelope(Envelope):
    """What became of an action at the risk gate, on `maf:executions:out`."""

    action: TradingAction
    status: ExecutionStatus
    checks: list[CheckResult]
    approved_by: str = ""
    published_at: datetime

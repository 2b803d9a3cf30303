"""The envelopes of the outboxes. Frozen; a new field is compatible, anything else needs a new version."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from maf_core.arenas.config import ActionMode
from maf_core.clock import parse_time
from maf_core.envelopes import require_version
from maf_core.errors import BadEntryError
from maf_core.settings import explain

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
    arena_id: str = Field(min_length=1)
    correlation_id: str
    published_at: datetime
    target: ActionTarget
    verdict: Verdict
    mode: ActionMode
    sizing: ActionSizing
    reasoning: str = ""
    meta: dict[str, Any] = Field(default_factory=dict)

    @property
    def as_of(self) -> datetime:
        """When it was decided: `meta.as_of`, else when it was published. Raises `BadEntryError` for what is no time."""
        return parse_time(self.meta.get("as_of") or self.published_at)


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
    """One risk check's answer. `skipped`: there was nothing to judge by, and the reason says what was missing."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    result: Literal["passed", "failed", "needs_approval", "skipped"]
    reason: str = ""


class ExecutionEnvelope(Envelope):
    """What became of an action at the risk gate, on `maf:executions:out`.

    `engine`: who is to carry it out; all others leave it alone. `exposure`: what it adds to the open positions, 0 for
    what closes one, for a HOLD, and for what is not approved. `expires_at`: until when a person can approve it, while
    it is pending.
    """

    action: TradingAction
    status: ExecutionStatus
    checks: list[CheckResult]
    approved_by: str = ""
    published_at: datetime
    engine: str = "paper"
    exposure: float = 0.0
    expires_at: datetime | None = None


def parse_action(payload: Mapping[str, Any]) -> TradingAction:
    """An action from a stream entry.

    Raises `BadEntryError` for one of another schema version, before anything else of it is looked at, and for one that
    is not valid, naming each wrong field.
    """
    require_version(payload, "the action")
    try:
        action = TradingAction.model_validate(payload)
    except ValidationError as error:
        raise BadEntryError(f"the action is not valid: {explain(error)}") from error
    _ = action.as_of
    return action

"""What a specialist says: a signal, or that it has nothing to go by."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Direction(StrEnum):
    """Where a specialist thinks the target goes."""

    BULLISH = "BULLISH"
    BEARISH = "BEARISH"
    NEUTRAL = "NEUTRAL"

    @property
    def sign(self) -> int:
        """+1, -1 or 0."""
        return {"BULLISH": 1, "BEARISH": -1}.get(self.value, 0)


class AgentSignal(BaseModel):
    """A specialist's answer. `confidence` in [0, 1]; `narrative` stays in the run's reports, off the wire."""

    model_config = ConfigDict(frozen=True)

    signal: Direction
    confidence: float = Field(ge=0, le=1, allow_inf_nan=False)
    summary: str = ""
    key_factors: list[str] = Field(default_factory=list)
    narrative: str = ""

    def as_state(self, agent: str, domain: str) -> dict[str, Any]:
        """The signal as plain data for the run's state."""
        data = self.model_dump(mode="json", exclude={"narrative"})
        return {"agent": agent, "domain": domain, **data}


class Abstention(BaseModel):
    """A specialist without data abstains: it is neither neutral nor counted."""

    model_config = ConfigDict(frozen=True)

    reason: str

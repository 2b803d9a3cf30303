"""What a run's models have been asked and what it cost, as its state shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from maf_core.llm.ledger import USD


@dataclass(slots=True)
class Usage:
    """Counts calls, also those that failed. `recorded`: how many were answered in an earlier life of the run."""

    calls: int = 0
    recorded: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    micro_usd: int = 0
    models: list[str] = field(default_factory=list)
    fallbacks: list[dict[str, str]] = field(default_factory=list)

    def add(self, tokens_in: int, tokens_out: int, micro_usd: int) -> None:
        """Count one call."""
        self.calls += 1
        self.tokens_in += tokens_in
        self.tokens_out += tokens_out
        self.micro_usd += micro_usd

    def answered_by(self, model: str) -> None:
        """Note who gave an answer."""
        if model not in self.models:
            self.models.append(model)

    def as_json(self) -> dict[str, Any]:
        """For a run's state. `usd` leaves out what has no known price."""
        return {
            "calls": self.calls,
            "recorded": self.recorded,
            "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out,
            "usd": self.micro_usd / USD,
            "models": sorted(self.models),
            "fallbacks": list(self.fallbacks),
        }

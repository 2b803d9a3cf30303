"""Actions and finished runs to judge."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from maf_core import FinishedRun, TradingAction
from maf_core.arenas.config import ArenaConfig
from maf_core.arenas.run import RunRequest

STATE = {
    "synthesis_verdict": "BUY",
    "synthesis_confidence": 0.8,
    "synthesis_score": 0.5,
    "synthesis_reasoning": "BUY at score +0.500",
}


@pytest.fixture
def action() -> Callable[..., TradingAction]:
    """A valid BUY of AAPL; keywords replace fields, `sizing` and `target` those within."""

    def make(sizing: dict[str, Any] | None = None, target: dict[str, Any] | None = None, **more: Any) -> TradingAction:
        fields = {
            "arena": "panel",
            "arena_id": f"panel-{uuid4().hex}",
            "correlation_id": uuid4().hex,
            "published_at": datetime(2024, 3, 1, 21, tzinfo=UTC),
            "target": {"ticker": "AAPL", "trade_date": "2024-03-01", **(target or {})},
            "verdict": "BUY",
            "mode": "auto",
            "sizing": {"confidence": 0.8, "ensemble_score": 0.5, "size_fraction": 0.1, **(sizing or {})},
        }
        return TradingAction.model_validate(fields | more)

    return make


@pytest.fixture
def finished() -> Callable[..., FinishedRun]:
    """A finished run of an arena with this state; keywords are keys of the arena."""

    def make(
        state: dict[str, Any] | None = None,
        target: dict[str, Any] | None = None,
        error: str | None = None,
        **arena: Any,
    ) -> FinishedRun:
        phases = [{"name": "decide", "agents": [{"name": "verdict", "role": "synthesis"}]}]
        config = ArenaConfig.model_validate({"name": "panel", "phases": phases, **arena})
        about = {"ticker": "AAPL", "trade_date": "2024-03-01"} if target is None else target
        request = RunRequest("panel", about, datetime(2024, 3, 1, 21, tzinfo=UTC), uuid4().hex)
        return FinishedRun(config, request, uuid4().hex, STATE if state is None else state, 0.1, error)

    return make

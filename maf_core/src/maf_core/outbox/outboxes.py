"""The two default outboxes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import ValidationError

from maf_core.arenas.run import FinishedRun
from maf_core.outbox.market import is_price
from maf_core.outbox.models import (
    ActionSizing,
    ActionTarget,
    Contributor,
    GenericDecision,
    TradingAction,
    Verdict,
)
from maf_core.settings import explain
from maf_core.streams.names import ACTIONS, DECISIONS
from maf_core.streams.publish import publish_once

if TYPE_CHECKING:
    from maf_core.context import AppContext

log = structlog.get_logger(__name__)

_VERDICTS: dict[str, Verdict] = {"BUY": "BUY", "SELL": "SELL", "HOLD": "HOLD"}


class ActionOutbox:
    """Decisions about a ticker, as `TradingAction` on `maf:actions:out`."""

    def __init__(self, context: AppContext) -> None:
        self._context = context

    async def publish(self, run: FinishedRun) -> str:
        """Publish the run's action once and return the entry's id."""
        action = build_action(run)
        done = await publish_once(self._context.redis, ACTIONS, run.arena_id, action.model_dump(mode="json"))
        self._context.events.emit(
            "action.emit",
            arena=run.arena.name,
            arena_id=run.arena_id,
            correlation_id=run.correlation_id,
            verdict=action.verdict,
            ticker=action.target.ticker,
            size_fraction=action.sizing.size_fraction,
        )
        return done.id


class DecisionOutbox:
    """Every other decision, as `GenericDecision` on `maf:decisions:out`."""

    def __init__(self, context: AppContext) -> None:
        self._context = context

    async def publish(self, run: FinishedRun) -> str:
        """Publish the run's decision once and return the entry's id."""
        decision = build_decision(run)
        done = await publish_once(self._context.redis, DECISIONS, run.arena_id, decision.model_dump(mode="json"))
        return done.id


def build_action(run: FinishedRun) -> TradingAction:
    """A trading action from a run's state; size = sizing.max_fraction * |score|, 0 for a HOLD."""
    verdict = _VERDICTS.get(str(run.state.get("synthesis_verdict", "")).strip().upper(), "HOLD")
    score = _bounded(run.state.get("synthesis_score"), -1.0)
    size = 0.0 if verdict == "HOLD" else run.arena.sizing.max_fraction * abs(score)
    return TradingAction(
        arena=run.arena.name,
        arena_id=run.arena_id,
        correlation_id=run.correlation_id,
        published_at=datetime.now(UTC),
        target=ActionTarget.model_validate({key: str(value) for key, value in run.request.target.items()}),
        verdict=verdict,
        mode=run.action_mode,
        sizing=ActionSizing(
            confidence=_bounded(run.state.get("synthesis_confidence"), 0.0),
            ensemble_score=score,
            size_fraction=round(size, 6),
            horizon=run.arena.sizing.horizon,
        ),
        reasoning=str(run.state.get("synthesis_reasoning", "")),
        meta=run.meta | _reference_price(run.state),
    )


def build_decision(run: FinishedRun) -> GenericDecision:
    """A generic decision from a run's state."""
    return GenericDecision(
        arena=run.arena.name,
        arena_id=run.arena_id,
        correlation_id=run.correlation_id,
        published_at=datetime.now(UTC),
        target=run.request.target,
        target_key=run.arena.target_key,
        verdict=str(run.state.get("synthesis_verdict", "")),
        confidence=_bounded(run.state.get("synthesis_confidence"), 0.0),
        reasoning=str(run.state.get("synthesis_reasoning", "")),
        contributors=list(_contributors(run.state.get("agent_signals"))),
        meta=run.meta,
    )


def _reference_price(state: dict[str, Any]) -> dict[str, float]:
    """The price that the decision was made on, if an agent left one: the risk gate compares it with the last known."""
    price = state.get("reference_price")
    return {"reference_price": price} if is_price(price) else {}


def _contributors(signals: Any) -> Iterator[Contributor]:
    """Those that are well-formed; what an agent left otherwise must not lose the decision."""
    for signal in signals if isinstance(signals, list) else ():
        try:
            yield Contributor.model_validate(signal)
        except ValidationError as error:
            log.warning("contributor_skipped", reason=explain(error))


def _bounded(value: Any, lowest: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return 0.0
    return min(1.0, max(lowest, number)) if number == number else 0.0

"""Builds the envelope from a run's state."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, get_args
from uuid import uuid4

import structlog
from pydantic import ValidationError

from maf_plugin_trading_intelligence.models import (
    KEY_FACTORS,
    SUMMARY_LENGTH,
    AgentSignalView,
    MarketMindDecision,
    SignalDirection,
    SourceMetricsSummary,
    SynthesisView,
    TargetView,
    TradingIntelligenceEnvelope,
    Verdict,
)
from maf_plugin_trading_intelligence.tolerant import finite, number, objects, text, texts, word

log = structlog.get_logger(__name__)

_MOST_BYTES = float(sys.maxsize)


def build_envelope_from_state(
    state: Mapping[str, Any], *, correlation_id: str | None = None, extra_meta: Mapping[str, Any] | None = None
) -> TradingIntelligenceEnvelope:
    """The envelope of a run. Whatever the state lacks or has wrong, the result is well-formed.

    `correlation_id`: 32 lowercase hex characters, fresh by default; anything else raises `ValidationError`.
    `extra_meta` wins over `agents_count` and `model_used`. The run's name is `state["arena_id"]`.
    """
    signals = _signals(state.get("agent_signals"))
    decision = MarketMindDecision(
        target=_target(state.get("target")),
        synthesis=_synthesis(state),
        agent_signals=signals,
        source_metrics=_metrics(state.get("source_metrics")),
        phase_timings=[dict(timing) for timing in objects(state.get("phase_timings"))],
        arena_total_seconds=finite(state.get("arena_total_seconds")),
    )
    meta = {"agents_count": len(signals), "model_used": text(state.get("llm_model"))}
    return TradingIntelligenceEnvelope(
        decision=decision,
        published_at=datetime.now(UTC),
        correlation_id=uuid4().hex if correlation_id is None else correlation_id,
        arena_id=text(state.get("arena_id")),
        meta={**meta, **(extra_meta or {})},
    )


def _target(target: Any) -> TargetView:
    known = target if isinstance(target, Mapping) else {}
    return TargetView(
        ticker=text(known.get("ticker")).strip(),
        trade_date=text(known.get("trade_date")) or text(known.get("date")),
        exchange=text(known.get("exchange")),
        asset_class=text(known.get("asset_class"), "equity"),
    )


def _synthesis(state: Mapping[str, Any]) -> SynthesisView:
    verdict = word(state.get("synthesis_verdict")) or word(state.get("signal"))
    return SynthesisView.model_validate(
        {
            "verdict": verdict if verdict in get_args(Verdict) else "HOLD",
            "confidence": number(state.get("synthesis_confidence"), 0, 1),
            "ensemble_score": number(state.get("synthesis_score"), -1, 1),
            "reasoning": text(state.get("synthesis_reasoning")),
        }
    )


def _signals(entries: Any) -> list[AgentSignalView]:
    views = []
    for entry in objects(entries):
        try:
            views.append(_signal(entry))
        except ValidationError as error:
            fields = sorted({str(fault["loc"][0]) for fault in error.errors(include_input=False)})
            log.warning("agent_signal_skipped", agent=text(entry.get("agent")), invalid=fields)
    return views


def _signal(entry: Mapping[str, Any]) -> AgentSignalView:
    """A signal as a view. Only its words are repaired: a confidence out of bounds is an error, not a lesser opinion."""
    direction = word(entry.get("signal"))
    return AgentSignalView.model_validate(
        {
            **entry,
            "signal": direction if direction in get_args(SignalDirection) else "NEUTRAL",
            "summary": text(entry.get("summary"))[:SUMMARY_LENGTH],
            "key_factors": texts(entry.get("key_factors"))[:KEY_FACTORS],
        }
    )


def _metrics(entries: Any) -> SourceMetricsSummary:
    calls = objects(entries)
    successful = sum(call.get("success") is True for call in calls)
    return SourceMetricsSummary(
        total_calls=len(calls),
        successful=successful,
        failed=len(calls) - successful,
        total_bytes=sum(int(number(call.get("result_bytes"), 0, _MOST_BYTES)) for call in calls),
        by_source=dict(Counter(name for call in calls if (name := text(call.get("source"))))),
    )

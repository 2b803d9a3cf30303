"""Building an envelope from a run's state, whatever the state lacks or has wrong."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from structlog.testing import capture_logs

from maf_plugin_trading_intelligence.stream import build_envelope_from_state, decode_envelope

SIGNAL = {"agent": "a", "domain": "d", "signal": "BULLISH", "confidence": 0.5}


def decided(**state: Any) -> Any:
    return build_envelope_from_state(state).decision


def test_a_whole_state_goes_through(state: dict[str, Any]) -> None:
    envelope = build_envelope_from_state(state, correlation_id="0" * 32)
    decision = envelope.decision
    assert (envelope.arena_id, envelope.correlation_id) == ("trading_intelligence-abc", "0" * 32)
    assert decision.target.model_dump() == {
        "ticker": "IBM",
        "trade_date": "2013-02-28",
        "exchange": "NYSE",
        "asset_class": "equity",
    }
    assert (decision.synthesis.verdict, decision.synthesis.confidence) == ("BUY", 0.625)
    assert [view.agent for view in decision.agent_signals] == ["technical", "forecast"]
    assert decision.phase_timings == [{"phase": "analysis", "seconds": 0.003}]
    assert decision.arena_total_seconds == 0.004
    assert "stays off the wire" not in envelope.model_dump_json()


def test_an_empty_state_is_a_well_formed_hold() -> None:
    envelope = build_envelope_from_state({})
    assert envelope.decision.target.ticker == ""
    assert envelope.decision.target.asset_class == "equity"
    assert envelope.decision.synthesis.model_dump() == {
        "verdict": "HOLD",
        "confidence": 0.0,
        "ensemble_score": 0.0,
        "reasoning": "",
    }
    assert envelope.decision.source_metrics.model_dump() == {
        "total_calls": 0,
        "successful": 0,
        "failed": 0,
        "total_bytes": 0,
        "by_source": {},
    }
    assert envelope.decision.arena_total_seconds is None
    assert envelope.meta == {"agents_count": 0, "model_used": ""}
    assert decode_envelope(envelope.model_dump_json()) == envelope


def test_the_date_stands_in_for_the_trade_date() -> None:
    assert decided(target={"ticker": "X", "date": "2013-01-02"}).target.trade_date == "2013-01-02"
    both = {"ticker": "X", "trade_date": "2013-01-03", "date": "2013-01-02"}
    assert decided(target=both).target.trade_date == "2013-01-03"


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        ({"synthesis_verdict": " sell\n"}, "SELL"),
        ({"signal": "buy"}, "BUY"),
        ({"synthesis_verdict": None, "signal": "SELL"}, "SELL"),
        ({"synthesis_verdict": "HOLD", "signal": "SELL"}, "HOLD"),
        ({"synthesis_verdict": "STRONG BUY", "signal": "BUY"}, "HOLD"),
        ({"synthesis_verdict": 7}, "HOLD"),
    ],
)
def test_the_verdict_is_one_of_three(state: dict[str, Any], verdict: str) -> None:
    assert decided(**state).synthesis.verdict == verdict


@pytest.mark.parametrize(
    ("given_number", "confidence", "score"),
    [(1.5, 1, 1), (-3, 0, -1), ("0.25", 0.25, 0.25), ("much", 0, 0), (float("nan"), 0, 0), ({}, 0, 0), (10**400, 0, 0)],
)
def test_numbers_are_kept_within_their_bounds(given_number: Any, confidence: float, score: float) -> None:
    synthesis = decided(synthesis_confidence=given_number, synthesis_score=given_number).synthesis
    assert (synthesis.confidence, synthesis.ensemble_score) == (confidence, score)


def test_signals_that_are_no_objects_are_skipped() -> None:
    assert len(decided(agent_signals=[None, "BUY", 3, [], SIGNAL]).agent_signals) == 1
    assert decided(agent_signals={"a": SIGNAL}).agent_signals == []


def test_an_unknown_direction_is_neutral() -> None:
    directions = ["bearish ", "sideways", None, 4]
    views = decided(agent_signals=[{**SIGNAL, "signal": direction} for direction in directions]).agent_signals
    assert [view.signal for view in views] == ["BEARISH", "NEUTRAL", "NEUTRAL", "NEUTRAL"]


def test_long_words_are_cut() -> None:
    entry = {**SIGNAL, "summary": "s" * 1000, "key_factors": [f"factor {number}" for number in range(50)]}
    view = decided(agent_signals=[entry]).agent_signals[0]
    assert view.summary == "s" * 300
    assert view.key_factors == [f"factor {number}" for number in range(10)]


@pytest.mark.parametrize("fault", [{"confidence": 1.5}, {"confidence": None}, {"confidence": "high"}, {"agent": None}])
def test_an_invalid_signal_is_skipped_with_one_warning(fault: dict[str, Any]) -> None:
    with capture_logs() as logs:
        decision = decided(agent_signals=[{**SIGNAL, **fault}, SIGNAL])
    assert len(decision.agent_signals) == 1
    assert [(log["log_level"], log["invalid"]) for log in logs] == [("warning", list(fault))]


def test_metrics_are_summed_up(state: dict[str, Any]) -> None:
    metrics = decided(source_metrics=[*state["source_metrics"], "noise", {"source": "trtools2_bars", "success": 1}])
    assert metrics.source_metrics.model_dump() == {
        "total_calls": 4,
        "successful": 2,
        "failed": 2,
        "total_bytes": 20992,
        "by_source": {"trtools2_bars": 2, "kronos_forecast": 1, "trtools2_news": 1},
    }


def test_extra_meta_wins(state: dict[str, Any]) -> None:
    assert build_envelope_from_state(state).meta == {"agents_count": 2, "model_used": "rules"}
    meta = build_envelope_from_state(state, extra_meta={"model_used": "mine", "gaps": []}).meta
    assert meta == {"agents_count": 2, "model_used": "mine", "gaps": []}


def test_every_envelope_has_its_own_correlation_id() -> None:
    first, second = build_envelope_from_state({}), build_envelope_from_state({})
    assert first.correlation_id != second.correlation_id
    with pytest.raises(ValidationError):
        build_envelope_from_state({}, correlation_id="not 32 hex")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
entries = st.lists(st.dictionaries(st.sampled_from([*SIGNAL, "summary", "key_factors", "source"]), anything) | anything)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "target": st.dictionaries(st.sampled_from(["ticker", "trade_date", "date"]), anything) | anything,
            "agent_signals": entries,
            "source_metrics": entries,
            "phase_timings": entries,
            **dict.fromkeys(("synthesis_verdict", "synthesis_confidence", "llm_model", "arena_id"), anything),
            **dict.fromkeys(("synthesis_score", "synthesis_reasoning", "arena_total_seconds", "signal"), anything),
        },
    )
)
def test_any_state_gives_an_envelope_that_can_be_read(state: dict[str, Any]) -> None:
    assert decode_envelope(build_envelope_from_state(state).model_dump_json()) is not None


def test_half_a_surrogate_pair_is_replaced() -> None:
    assert decided(target={"ticker": "\ud800IBM"}).target.ticker == "?IBM"

"""The envelopes on the wire: bounds, versions, and what readers may ignore."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from maf_core import CheckResult, ExecutionEnvelope, TradingAction
from maf_core.outbox.models import GenericDecision


def test_an_action_survives_the_wire(action):
    sent = action(meta={"gaps": ["stale_prices"]})
    assert TradingAction.model_validate(json.loads(json.dumps(sent.model_dump(mode="json")))) == sent


def test_the_fields_of_an_action_are_those_of_the_contract(action):
    wire = action().model_dump(mode="json")
    assert set(wire) == {
        "schema_version", "arena", "arena_id", "correlation_id", "published_at", "target", "verdict", "mode", "sizing",
        "reasoning", "meta",
    }  # fmt: skip
    assert wire["schema_version"] == "1"
    assert set(wire["target"]) == {"ticker", "exchange", "asset_class", "trade_date"}
    assert set(wire["sizing"]) == {"confidence", "ensemble_score", "size_fraction", "horizon"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"schema_version": "2"},
        {"verdict": "STRONG BUY"},
        {"mode": "yolo"},
        {"target": {"ticker": ""}},
        {"sizing": {"confidence": 1.01}},
        {"sizing": {"confidence": -0.01}},
        {"sizing": {"ensemble_score": 1.01}},
        {"sizing": {"ensemble_score": -1.01}},
        {"sizing": {"size_fraction": 1.01}},
        {"sizing": {"size_fraction": -0.01}},
        {"sizing": {"size_fraction": float("nan")}},
    ],
)
def test_what_is_out_of_bounds_is_refused(action, wrong):
    with pytest.raises(ValidationError):
        action(**wrong)


def test_a_field_of_a_later_version_is_ignored(action):
    later = action().model_dump(mode="json") | {"added_later": 1}
    later["target"]["isin"] = "US0378331005"
    assert TradingAction.model_validate(later).target.ticker == "AAPL"


def test_envelopes_are_frozen(action):
    with pytest.raises(ValidationError):
        action().verdict = "SELL"


def test_an_execution_carries_its_action_and_checks(action):
    execution = ExecutionEnvelope(
        action=action(),
        status="rejected",
        checks=[CheckResult(name="max_size", result="failed", reason="too large")],
        published_at=action().published_at,
    )
    wire = execution.model_dump(mode="json")
    assert wire["checks"] == [{"name": "max_size", "result": "failed", "reason": "too large"}]
    assert wire["approved_by"] == ""
    assert ExecutionEnvelope.model_validate(wire) == execution


def test_a_decision_keeps_its_arenas_own_words(action):
    decision = GenericDecision(
        arena="review", arena_id="review-1", correlation_id="0" * 32, published_at=action().published_at,
        target={"pr_id": 7}, target_key="pr_id", verdict="request changes", confidence=0.4,
    )  # fmt: skip
    assert GenericDecision.model_validate(decision.model_dump(mode="json")) == decision

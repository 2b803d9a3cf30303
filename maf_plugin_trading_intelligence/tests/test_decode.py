"""The decoder never raises, whatever stands on the stream."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from structlog.testing import capture_logs

from maf_plugin_trading_intelligence.stream import (
    AgentSignalView,
    MarketMindDecision,
    SourceMetricsSummary,
    SynthesisView,
    TargetView,
    TradingIntelligenceEnvelope,
    decode_envelope,
)

SAMPLE = (Path(__file__).parent / "golden" / "valid_full.json").read_bytes()

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
jsons = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8
)
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
counts = st.integers(0, 2**60)
envelopes = st.builds(
    TradingIntelligenceEnvelope,
    decision=st.builds(
        MarketMindDecision,
        target=st.builds(TargetView, ticker=st.text(), trade_date=st.text(), exchange=st.text(), asset_class=st.text()),
        synthesis=st.builds(
            SynthesisView,
            verdict=st.sampled_from(["BUY", "HOLD", "SELL"]),
            confidence=st.floats(0, 1),
            ensemble_score=st.floats(-1, 1),
            reasoning=st.text(),
        ),
        agent_signals=st.lists(
            st.builds(
                AgentSignalView,
                agent=st.text(),
                domain=st.text(),
                signal=st.sampled_from(["BULLISH", "BEARISH", "NEUTRAL"]),
                confidence=st.floats(0, 1),
                key_factors=st.lists(st.text(), max_size=3),
            ),
            max_size=3,
        ),
        source_metrics=st.builds(
            SourceMetricsSummary, total_calls=counts, by_source=st.dictionaries(st.text(), counts)
        ),
        phase_timings=st.lists(st.dictionaries(st.text(), plain, max_size=3), max_size=2),
        arena_total_seconds=st.none() | st.floats(0, 1e6),
    ),
    published_at=st.datetimes(timezones=st.just(UTC)),
    correlation_id=st.from_regex(r"[0-9a-f]{32}", fullmatch=True),
    arena_id=st.text(),
    meta=st.dictionaries(st.text(), plain, max_size=3),
)


def decoded(payload: Any) -> TradingIntelligenceEnvelope | None:
    """Decode, and check that there is one warning for nothing and none for an envelope."""
    with capture_logs() as logs:
        envelope = decode_envelope(payload)
    assert [log["log_level"] for log in logs] == ["warning"] * (envelope is None)
    return envelope


@given(envelopes)
def test_what_was_encoded_is_decoded(envelope: TradingIntelligenceEnvelope) -> None:
    text = envelope.model_dump_json()
    assert decoded(text) == envelope
    assert decoded(json.dumps(json.loads(text)).encode()) == envelope
    assert MarketMindDecision.model_validate_json(text) == envelope.decision


@settings(max_examples=1000)
@given(
    st.lists(
        st.tuples(st.integers(0, len(SAMPLE) - 1), st.binary(max_size=3), st.integers(0, 4)), min_size=1, max_size=4
    )
)
def test_changed_bytes_never_raise(edits: list[tuple[int, bytes, int]]) -> None:
    raw = SAMPLE
    for at, inserted, removed in edits:
        raw = raw[:at] + inserted + raw[at + removed :]
        decoded(raw)
        decoded({b"data": raw})


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value in a JSON document."""
    rows = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(place for key, inner in rows for place in places(inner, (*here, key)))]


@settings(max_examples=1000)
@given(st.sampled_from(places(json.loads(SAMPLE))[1:]), jsons)
def test_changed_values_never_raise(place: tuple[Any, ...], value: Any) -> None:
    document = json.loads(SAMPLE)
    *path, last = place
    holder = document
    for key in path:
        holder = holder[key]
    holder[last] = value
    decoded(document)
    decoded(json.dumps(document))


@given(jsons | st.binary() | st.dictionaries(st.binary() | st.text(), jsons))
def test_anything_at_all_never_raises(payload: Any) -> None:
    assert decoded(payload) is None


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": [value]}
    return value


@pytest.mark.parametrize(
    "payload",
    [
        b"[" * 1000,
        b'{"schema_version":"1","meta":' + b'{"a":' * 1000 + b"1" + b"}" * 1001,
        {"schema_version": "1", "decision": nested(1000)},
        b"\xff\xfe",
        b'"\xed\xa0\x80"',
        "\ud800",
        "9" * 5000,
        b"",
        {},
        {**json.loads(SAMPLE), "published_at": "0001-01-01T00:00:00+05:00"},
        {**json.loads(SAMPLE), "published_at": "9999-12-31T23:00:00-05:00"},
        {b"data": None},
        {b"other": b"{}"},
        object(),
        datetime.now,
    ],
)
def test_hostile_payloads_give_none(payload: Any) -> None:
    assert decoded(payload) is None


def test_a_deep_meta_in_a_decoded_object_never_raises() -> None:
    document = {**json.loads(SAMPLE), "meta": {"deep": nested(1000)}}
    decoded(document)


def test_envelopes_are_frozen() -> None:
    envelope = decoded(SAMPLE)
    assert envelope is not None
    with pytest.raises(ValidationError):
        envelope.arena_id = "other"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        envelope.decision.synthesis.confidence = 1.0  # type: ignore[misc]

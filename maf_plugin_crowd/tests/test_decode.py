"""The decoder reads what was written, and never raises, whatever stands on the stream."""

from __future__ import annotations

import json
from datetime import UTC
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from maf_plugin_crowd.models import DECISIONS
from maf_plugin_crowd.stream import (
    CrowdPrediction,
    CrowdPredictionEnvelope,
    DecisionKind,
    Fomo2Signal,
    ModelVote,
    OddsOddyMultiplier,
    Outcome,
    PolymarketSide,
    SourceType,
    decode_envelope,
)

GOLDEN = Path(__file__).parent / "golden" / "valid"
SAMPLE = (GOLDEN / "polymarket_side.json").read_bytes().strip()


def sample() -> dict[str, Any]:
    """A valid document."""
    return json.loads(SAMPLE)


unit = st.floats(0, 1)
finite = st.floats(allow_nan=False, allow_infinity=False)
outcomes = st.sampled_from(get_args(Outcome))
moments = st.datetimes(timezones=st.just(UTC))
whole = st.integers(-(2**53), 2**53)
predictions = st.builds(
    CrowdPrediction,
    outcome=outcomes,
    probability=unit,
    horizon_hours=st.integers(1, 2**53),
    top_drivers=st.lists(st.text(), min_size=1, max_size=10),
    dissent_pct=unit,
    source_type=st.sampled_from(get_args(SourceType)),
    source_id=st.text(min_size=1),
    model_votes=st.lists(
        st.builds(
            ModelVote, model=st.text(), outcome=outcomes, probability=unit, weight=finite.map(abs), rationale=st.text()
        ),
        max_size=3,
    ),
    generated_at=moments,
)
shapes = {
    "fomo2_signal": st.builds(
        Fomo2Signal, signal=st.sampled_from(["BUY", "SELL", "HOLD"]), confidence=unit, horizon_hours=whole
    ),
    "polymarket_side": st.builds(
        PolymarketSide, side=st.sampled_from(["YES", "NO", "SKIP"]), edge_bps=whole, suggested_size_usd=finite
    ),
    "oddsoddy_multiplier": st.builds(
        OddsOddyMultiplier, multiplier=st.floats(0, 2), gate=st.booleans(), reason=st.text()
    ),
}


@st.composite
def envelopes(draw: st.DrawFn) -> CrowdPredictionEnvelope:
    kind: DecisionKind = draw(st.sampled_from(get_args(DecisionKind)))
    return CrowdPredictionEnvelope(
        prediction=draw(predictions),
        decision_kind=kind,
        decision=draw(shapes[kind]),
        published_at=draw(moments),
        correlation_id=draw(st.uuids(version=4)).hex,
    )


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
jsons = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8
)


def decoded(payload: Any) -> CrowdPredictionEnvelope | None:
    """Decode, and check that there is one warning for nothing and none for an envelope."""
    with capture_logs() as logs:
        envelope = decode_envelope(payload)
    assert [log["log_level"] for log in logs] == ["warning"] * (envelope is None)
    assert all(0 < len(log["reason"]) <= 300 for log in logs)
    return envelope


@given(envelopes())
def test_what_was_encoded_is_decoded(envelope: CrowdPredictionEnvelope) -> None:
    text = envelope.model_dump_json()
    for payload in (text, text.encode(), json.loads(text), {b"data": text.encode()}, {"data": text}):
        assert decoded(payload) == envelope
    assert decoded(json.dumps(json.loads(text)).encode()) == envelope
    assert decoded(envelope.model_dump()) == envelope


def test_the_shape_follows_the_kind(document: dict[str, Any]) -> None:
    envelope = decoded(document)
    assert envelope is not None
    assert type(envelope.decision) is DECISIONS[envelope.decision_kind]


def test_a_newer_writers_fields_are_ignored(document: dict[str, Any]) -> None:
    newer = {
        **document,
        "arena_id": "crowd-1",
        "decision": {**document["decision"], "note": []},
        "prediction": {**document["prediction"], "personas": 40},
    }
    assert decoded(newer) == decoded(document)


def test_the_version_is_read_before_the_rest() -> None:
    for version in ("2", 1, None, "", ["1"]):
        with capture_logs() as logs:
            assert decode_envelope({"schema_version": version, "decision": "of another shape"}) is None
        assert [log["reason"].split(" ")[0] for log in logs] == ["schema_version"]


def test_the_warning_names_the_field_and_not_the_value() -> None:
    document = sample()
    document["decision"]["edge_bps"] = "secret"
    with capture_logs() as logs:
        assert decode_envelope(document) is None
    [log] = logs
    assert log["reason"].startswith("decision: ")
    assert "as polymarket_side: edge_bps: " in log["reason"]
    assert "secret" not in log["reason"]
    assert "\n" not in log["reason"]


@settings(max_examples=400)
@given(
    st.lists(
        st.tuples(st.integers(0, len(SAMPLE) - 1), st.binary(max_size=3), st.integers(0, 4)), min_size=1, max_size=4
    )
)
def test_changed_bytes_never_raise(edits: list[tuple[int, bytes, int]]) -> None:
    raw = SAMPLE
    for at, inserted, removed in edits:
        raw = raw[:at] + inserted + raw[at + removed :]
        decoded({b"data": raw})


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value in a JSON document."""
    rows = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(place for key, inner in rows for place in places(inner, (*here, key)))]


@settings(max_examples=400)
@given(st.sampled_from(places(sample())[1:]), jsons)
def test_changed_values_never_raise(place: tuple[Any, ...], value: Any) -> None:
    document = sample()
    *path, last = place
    holder: Any = document
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
        b'{"schema_version":"1","decision":' + b'{"a":' * 1000 + b"1" + b"}" * 1001,
        {**sample(), "decision": nested(1000)},
        {**sample(), "decision_kind": nested(1000)},
        {**sample(), "published_at": "9999-12-31T23:00:00-05:00"},
        {**sample(), "correlation_id": "\ud800" * 32},
        json.dumps({**sample(), "prediction": {**sample()["prediction"], "probability": float("nan")}}),
        b'"\xed\xa0\x80"',
        SAMPLE.replace(b"polls", b"\xff\xfe"),
        SAMPLE[:-1],
        b"[" + SAMPLE + b"]",
        "\ud800",
        "9" * 5000,
        b"",
        {},
        {b"data": None},
        {b"other": SAMPLE},
        object(),
        print,
    ],
)
def test_hostile_payloads_give_none(payload: Any) -> None:
    assert decoded(payload) is None

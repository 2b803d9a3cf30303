"""Types and bounds are exact: the last value inside is read, the first outside is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from maf_plugin_crowd.stream import CrowdPredictionEnvelope

GOLDEN = Path(__file__).parent / "golden" / "valid"
ABOVE_ONE, BELOW_ZERO = 1.0000000000000002, -5e-324
NOT_NUMBERS = (float("nan"), float("inf"), "0.5", True, None)
UNIT = ((0, 1, 0.5), (ABOVE_ONE, BELOW_ZERO, *NOT_NUMBERS))
INT = ((-5, 0, 5), (1.5, "1", True, None))
TEXT = (("", "x"), (1, None))
MOMENT = (
    ("2024-05-01T12:00:00Z", "2024-05-01T14:00:00+02:00"),
    ("2024-05-01T12:00:00", "0001-01-01T00:00:00+05:00", "soon", None),
)
OUTCOME = (("UP", "DOWN", "FLAT", "YES", "NO"), ("up", "MAYBE", "", None))

BOUNDS: list[tuple[str, str, tuple[Any, Any]]] = [
    ("polymarket_side", "schema_version", (("1",), ("2", 1, None))),
    ("polymarket_side", "arena", (("crowd_simulation",), ("trading_intelligence", None))),
    ("polymarket_side", "published_at", MOMENT),
    ("polymarket_side", "correlation_id", (("a" * 32,), ("A" * 32, "a" * 31, "a" * 33, "a" * 32 + "\n", None))),
    ("polymarket_side", "decision_kind", (("polymarket_side",), ("other", None, [], {}))),
    ("polymarket_side", "prediction.outcome", OUTCOME),
    ("polymarket_side", "prediction.probability", UNIT),
    ("polymarket_side", "prediction.horizon_hours", ((1, 10**6), (0, -1, 1.5, "1", True, None))),
    ("polymarket_side", "prediction.top_drivers", ((["a"], ["a"] * 10), ([], ["a"] * 11, "a", [1], None))),
    ("polymarket_side", "prediction.dissent_pct", UNIT),
    ("polymarket_side", "prediction.source_id", (("x",), ("", 7, None))),
    ("polymarket_side", "prediction.source_type", (("fomo2_report", "oddsoddy_strategy"), ("news", None))),
    ("polymarket_side", "prediction.model_votes", (([],), ([{}], {}, None))),
    ("polymarket_side", "prediction.model_votes.0.outcome", OUTCOME),
    ("polymarket_side", "prediction.model_votes.0.probability", UNIT),
    ("polymarket_side", "prediction.model_votes.0.weight", ((0, 3.5), (BELOW_ZERO, *NOT_NUMBERS))),
    ("polymarket_side", "prediction.model_votes.0.model", TEXT),
    ("polymarket_side", "prediction.model_votes.0.rationale", TEXT),
    ("polymarket_side", "prediction.generated_at", MOMENT),
    ("polymarket_side", "decision.side", (("YES", "NO", "SKIP"), ("yes", "UP", None))),
    ("polymarket_side", "decision.edge_bps", INT),
    ("polymarket_side", "decision.suggested_size_usd", ((-1.5, 0, 1e9), NOT_NUMBERS)),
    ("fomo2_signal", "decision.signal", (("BUY", "SELL", "HOLD"), ("buy", "YES", None))),
    ("fomo2_signal", "decision.confidence", UNIT),
    ("fomo2_signal", "decision.horizon_hours", INT),
    ("oddsoddy_multiplier", "decision.multiplier", ((0, 2), (BELOW_ZERO, 2.0000000000000004, *NOT_NUMBERS))),
    ("oddsoddy_multiplier", "decision.gate", ((True, False), (0, 1, "true", None))),
    ("oddsoddy_multiplier", "decision.reason", TEXT),
]


def sample(kind: str = "polymarket_side") -> dict[str, Any]:
    """A valid document."""
    return json.loads((GOLDEN / f"{kind}.json").read_bytes())


def changed(kind: str, place: str, value: Any) -> dict[str, Any]:
    """A valid document with another value at a place."""
    document = sample(kind)
    *path, last = place.split(".")
    holder: Any = document
    for key in path:
        holder = holder[int(key) if key.isdigit() else key]
    holder[last] = value
    return document


@pytest.mark.parametrize(("kind", "place", "values"), BOUNDS, ids=[f"{kind}-{place}" for kind, place, _ in BOUNDS])
def test_bounds(kind: str, place: str, values: tuple[Any, Any]) -> None:
    inside, outside = values
    for value in inside:
        CrowdPredictionEnvelope.model_validate(changed(kind, place, value))
    for value in outside:
        with pytest.raises(ValidationError, match=place.split(".")[-1]):
            CrowdPredictionEnvelope.model_validate(changed(kind, place, value))


def test_a_decision_of_another_kinds_shape_is_refused(document: dict[str, Any]) -> None:
    for kind in {"fomo2_signal", "polymarket_side", "oddsoddy_multiplier"} - {document["decision_kind"]}:
        with pytest.raises(ValidationError, match=f"as {kind}: "):
            CrowdPredictionEnvelope.model_validate({**document, "decision_kind": kind})


def leaves(value: Any, here: str = "") -> list[str]:
    """The dotted place of every value that holds no others."""
    rows = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [place for key, inner in rows for place in leaves(inner, f"{here}.{key}".lstrip("."))]
    return found or [here]


def test_every_field_of_the_wire_has_its_bounds_tested() -> None:
    tested = {(kind, place) for kind, place, _ in BOUNDS} | {("polymarket_side", "prediction.top_drivers.0")}
    for kind in ("fomo2_signal", "polymarket_side", "oddsoddy_multiplier"):
        places = {place for place in leaves(sample(kind)) if place.startswith("decision.")}
        assert places <= {place for of, place in tested if of == kind}
    common = {place for place in leaves(sample()) if not place.startswith(("decision.", "prediction.top_drivers."))}
    assert common <= {place for _, place in tested}


@pytest.mark.parametrize("part", ["", "prediction", "decision"])
def test_every_field_but_the_constants_is_required(part: str, document: dict[str, Any]) -> None:
    holder = document[part] if part else document
    for name in set(holder) - {"schema_version", "arena"}:
        left = {key: value for key, value in holder.items() if key != name}
        with pytest.raises(ValidationError, match=name):
            CrowdPredictionEnvelope.model_validate({**document, part: left} if part else left)


def test_moments_are_told_in_utc() -> None:
    envelope = CrowdPredictionEnvelope.model_validate(
        changed("polymarket_side", "published_at", "2024-05-01T14:00:01+02:00")
    )
    assert envelope.published_at.isoformat() == "2024-05-01T12:00:01+00:00"
    assert '"published_at":"2024-05-01T12:00:01Z"' in envelope.model_dump_json()


def test_envelopes_are_frozen(document: dict[str, Any]) -> None:
    envelope = CrowdPredictionEnvelope.model_validate(document)
    for part in (envelope, envelope.prediction, envelope.prediction.model_votes[0], envelope.decision):
        for name in type(part).model_fields:
            with pytest.raises(ValidationError, match="frozen"):
                setattr(part, name, getattr(part, name))

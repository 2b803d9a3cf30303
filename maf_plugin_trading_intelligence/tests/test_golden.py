"""The bytes that other programs read and write: committed, so that a change of them shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from maf_plugin_trading_intelligence.stream import MarketMindDecision, decode_envelope

GOLDEN = Path(__file__).parent / "golden"
VALID = sorted(GOLDEN.glob("valid_*.json"))
INVALID = sorted(GOLDEN.glob("invalid_*.json"))
# What the writer wrote itself; the others come from writers with more or fewer fields.
OWN = [GOLDEN / "valid_full.json", GOLDEN / "valid_hold.json"]


@pytest.mark.parametrize("sample", VALID, ids=lambda path: path.stem)
def test_a_valid_sample_is_read_in_every_form(sample: Path) -> None:
    raw = sample.read_bytes()
    with capture_logs() as logs:
        envelope = decode_envelope(raw)
        assert envelope is not None
        assert decode_envelope(raw.decode()) == envelope
        assert decode_envelope({b"data": raw}) == envelope
        assert decode_envelope({"data": raw.decode()}) == envelope
        assert decode_envelope(envelope.model_dump(mode="json")) == envelope
        assert decode_envelope(envelope.model_dump()) == envelope
    assert logs == []


@pytest.mark.parametrize("sample", OWN, ids=lambda path: path.stem)
def test_encoding_is_stable(sample: Path) -> None:
    envelope = decode_envelope(sample.read_bytes())
    assert envelope is not None
    assert envelope.model_dump_json() == sample.read_text(encoding="utf-8").strip()


def test_what_a_writer_leaves_out_has_its_default() -> None:
    envelope = decode_envelope((GOLDEN / "valid_defaults_left_out.json").read_bytes())
    assert envelope is not None
    assert (envelope.arena_id, envelope.meta, envelope.decision.agent_signals) == ("", {}, [])
    assert envelope.decision.target.asset_class == "equity"
    assert envelope.published_at.isoformat() == "2013-02-28T21:00:01+00:00"


def test_a_newer_writers_fields_are_ignored() -> None:
    newer = decode_envelope((GOLDEN / "valid_newer_fields.json").read_bytes())
    assert newer == decode_envelope((GOLDEN / "valid_full.json").read_bytes())


@pytest.mark.parametrize("sample", INVALID, ids=lambda path: path.stem)
def test_an_invalid_sample_gives_one_warning_and_nothing_else(sample: Path) -> None:
    with capture_logs() as logs:
        assert decode_envelope(sample.read_bytes()) is None
    assert [(log["event"], log["log_level"]) for log in logs] == [("envelope_skipped", "warning")]
    assert len(logs[0]["reason"]) in range(1, 301)


def test_the_version_is_read_before_the_rest() -> None:
    with capture_logs() as logs:
        assert decode_envelope({"schema_version": "2", "decision": "of another shape"}) is None
    assert logs[0]["reason"] == "schema_version '2' is not '1'"


def test_a_decision_is_read_from_an_envelope_and_bare() -> None:
    raw = (GOLDEN / "valid_full.json").read_bytes()
    envelope = decode_envelope(raw)
    assert envelope is not None
    assert MarketMindDecision.model_validate_json(raw) == envelope.decision
    assert MarketMindDecision.model_validate_json(envelope.decision.model_dump_json()) == envelope.decision


def test_no_decision_is_read_from_an_envelope_of_another_version() -> None:
    with pytest.raises(ValueError, match="target"):
        MarketMindDecision.model_validate_json((GOLDEN / "invalid_version_2.json").read_bytes())

"""The bytes that other programs read and write: committed, so that a change of them shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from maf_plugin_crowd.models import CrowdPredictionEnvelope
from maf_plugin_crowd.publish import publish_run
from maf_plugin_crowd.stream import decode_envelope, publish_envelope

GOLDEN = Path(__file__).parent / "golden"
VALID = sorted((GOLDEN / "valid").glob("*.json"))
INVALID = sorted((GOLDEN / "invalid").glob("*.json"))

valid = pytest.mark.parametrize("sample", VALID, ids=lambda path: path.stem)


def written(sample: Path) -> bytes:
    """What stands in the field `data`; the file ends its line."""
    return sample.read_bytes().removesuffix(b"\n")


def decoded(sample: Path) -> CrowdPredictionEnvelope:
    envelope = decode_envelope(written(sample))
    assert envelope is not None
    return envelope


@valid
def test_a_valid_sample_is_read_in_every_form_without_a_word(sample: Path) -> None:
    raw = written(sample)
    with capture_logs() as logs:
        envelope = decoded(sample)
        for payload in (raw.decode(), {b"data": raw}, {"data": raw.decode()}, envelope.model_dump(mode="json")):
            assert decode_envelope(payload) == envelope
    assert logs == []


@valid
async def test_what_is_published_again_is_the_same_byte_for_byte(redis: Redis, sample: Path) -> None:
    envelope = decoded(sample)
    await publish_envelope(redis, "envelopes", envelope)
    told = {**envelope.model_dump(), "published_at": envelope.published_at.isoformat()}  # as runs tell it
    await publish_run(redis, "runs", "crowd-1", told, None)
    for stream in ("envelopes", "runs"):
        [(_, fields)] = await redis.xrange(stream)
        assert fields == {b"data": written(sample)}


@pytest.mark.parametrize("sample", INVALID, ids=lambda path: path.stem)
def test_an_invalid_sample_gives_none_and_one_warning(sample: Path) -> None:
    raw = written(sample)
    for payload in (raw, {b"data": raw}):
        with capture_logs() as logs:
            assert decode_envelope(payload) is None
        assert [(log["event"], log["log_level"]) for log in logs] == [("envelope_skipped", "warning")]
        assert 0 < len(logs[0]["reason"]) <= 300

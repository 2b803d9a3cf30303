"""What stands on the server after publishing, and what never gets there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from maf_core import MAFError
from maf_core.plugins import PluginManager, Selection
from maf_plugin_crowd.models import DECISIONS, KIND_OF_SOURCE
from maf_plugin_crowd.stream import (
    DEFAULT_STREAM_NAME,
    CrowdPredictionEnvelope,
    EnvelopeRefusedError,
    decode_envelope,
    publish_envelope,
)

PAGE = Path(__file__).parents[2] / "docs" / "crowd.md"


def with_source(document: dict[str, Any], source: str) -> CrowdPredictionEnvelope:
    return CrowdPredictionEnvelope.model_validate(
        {**document, "prediction": {**document["prediction"], "source_type": source}}
    )


async def test_an_envelope_is_one_entry_with_one_field(redis: Redis, document: dict[str, Any]) -> None:
    envelope = CrowdPredictionEnvelope.model_validate(document)
    entry_id = await publish_envelope(redis, DEFAULT_STREAM_NAME, envelope)
    [(found_id, fields)] = await redis.xrange("maf:arena:crowd_simulation:output")
    assert found_id.decode() == entry_id
    assert list(fields) == [b"data"]
    assert json.loads(fields[b"data"]) == document
    assert decode_envelope(fields) == envelope


async def test_a_kind_that_does_not_fit_its_source_never_reaches_the_stream(
    redis: Redis, document: dict[str, Any]
) -> None:
    for source, kind in KIND_OF_SOURCE.items():
        if kind == document["decision_kind"]:
            continue
        with pytest.raises(EnvelopeRefusedError, match=f"{source} carries a decision of kind {kind}, not"):
            await publish_envelope(redis, DEFAULT_STREAM_NAME, with_source(document, source))
    assert not await redis.exists(DEFAULT_STREAM_NAME)
    assert issubclass(EnvelopeRefusedError, MAFError)


async def test_what_was_changed_past_its_validation_never_reaches_the_stream(
    redis: Redis, document: dict[str, Any]
) -> None:
    envelope = CrowdPredictionEnvelope.model_validate(document)
    others = [shape for kind, shape in DECISIONS.items() if kind != envelope.decision_kind]
    changes = [
        {"correlation_id": "short"},
        {"decision": others[0].model_construct()},
        {"prediction": envelope.prediction.model_copy(update={"probability": float("nan")})},
        {"prediction": object()},
    ]
    for change in changes:
        with pytest.raises(EnvelopeRefusedError, match="not valid"):
            await publish_envelope(redis, DEFAULT_STREAM_NAME, envelope.model_copy(update=change))
    assert not await redis.exists(DEFAULT_STREAM_NAME)


def test_the_channel_is_the_default_stream() -> None:
    channel = PluginManager.load(Selection(only=("crowd",))).records("maf_channels", object)["crowd_simulation"]
    assert channel.stream == DEFAULT_STREAM_NAME


async def test_the_example_in_the_docs_reads_what_was_published(redis: Redis, document: dict[str, Any]) -> None:
    [block] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    scope: dict[str, Any] = {}
    exec(block, scope)
    await publish_envelope(redis, DEFAULT_STREAM_NAME, CrowdPredictionEnvelope.model_validate(document))
    [(_, fields)] = await redis.xrange(DEFAULT_STREAM_NAME)
    about_a_bet = document["decision_kind"] == "polymarket_side"
    assert scope["advice"](fields) == ("YES at 64%, 450 bps" if about_a_bet else None)

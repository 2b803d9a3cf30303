"""Writes envelopes onto the stream, and refuses those that a consumer could not trust."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from redis.asyncio import Redis

from maf_core import MAFError, publish
from maf_plugin_crowd.models import KIND_OF_SOURCE, CrowdPredictionEnvelope, faults

DEFAULT_STREAM_NAME = "maf:arena:crowd_simulation:output"


class EnvelopeRefusedError(MAFError, ValueError):
    """An envelope must not reach the stream: its kind does not fit its source, or it does not validate."""


async def publish_envelope(redis: Redis, stream_name: str, envelope: CrowdPredictionEnvelope) -> str:
    """Append the envelope to the stream as one field `data`, and return the entry's id.

    Raises `EnvelopeRefusedError`, and appends nothing, when `decision_kind` is not the one of `prediction.source_type`,
    or when the envelope was changed past its validation.
    """
    return await publish(redis, stream_name, _checked(envelope))


def _checked(envelope: CrowdPredictionEnvelope) -> dict[str, Any]:
    # `model_copy` and `model_construct` do not validate; what they make is looked at here
    payload = envelope.model_dump(mode="json", warnings="none", fallback=str)
    try:
        checked = CrowdPredictionEnvelope.model_validate(payload)
    except ValidationError as error:
        raise EnvelopeRefusedError(f"The envelope is not valid: {faults(error)}. Build it anew.") from error
    _refuse_mismatch(checked)
    return payload


def _refuse_mismatch(envelope: CrowdPredictionEnvelope) -> None:
    source, kind = envelope.prediction.source_type, envelope.decision_kind
    fitting = KIND_OF_SOURCE[source]
    if kind != fitting:
        raise EnvelopeRefusedError(
            f"A prediction about a {source} carries a decision of kind {fitting}, not {kind}. "
            "Build the decision from the prediction's source_type."
        )

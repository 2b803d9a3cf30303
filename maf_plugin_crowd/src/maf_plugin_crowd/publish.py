"""Writes envelopes onto the stream, and refuses those that a consumer could not trust."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from redis.asyncio import Redis

from maf_core import MAFError, publish, publish_once
from maf_plugin_crowd.deciding import Decider
from maf_plugin_crowd.models import DECISIONS, KIND_OF_SOURCE, CrowdPredictionEnvelope, OpenEnvelope, faults

DEFAULT_STREAM_NAME = "maf:arena:crowd_simulation:output"


class EnvelopeRefusedError(MAFError, ValueError):
    """An envelope must not reach the stream: its kind does not fit its source, or it does not validate."""


async def publish_envelope(redis: Redis, stream_name: str, envelope: CrowdPredictionEnvelope) -> str:
    """Append the envelope to the stream as one field `data`, and return the entry's id.

    Raises `EnvelopeRefusedError`, and appends nothing, when `decision_kind` is not the one of `prediction.source_type`,
    or when the envelope was changed past its validation.
    """
    return await publish(redis, stream_name, _checked(envelope))


async def publish_run(
    redis: Redis, stream_name: str, arena_id: str, payload: dict[str, Any], decider: type[Decider] | None
) -> str:
    """Append what a run came to, once for its `arena_id`, and return the entry's id.

    A kind of another plugin's is checked by that plugin's own model. Raises as `publish_envelope` does.
    """
    if payload["decision_kind"] in DECISIONS:
        wire = _checked(CrowdPredictionEnvelope.model_construct(**payload))
    else:
        wire = _checked_open(payload, decider)
    return (await publish_once(redis, stream_name, arena_id, wire)).id


def _checked_open(payload: dict[str, Any], decider: type[Decider] | None) -> dict[str, Any]:
    kind = payload["decision_kind"]
    if decider is None or decider.kind != kind:
        raise EnvelopeRefusedError(f"Nobody offers the decision kind {kind}: is its plugin installed?")
    try:
        decision = decider.Decision.model_validate(payload["decision"])
        envelope = OpenEnvelope.model_validate({**payload, "decision": decision.model_dump(mode="json")})
    except ValidationError as error:
        raise EnvelopeRefusedError(f"The envelope is not valid: {faults(error)}. Build it anew.") from error
    return envelope.model_dump(mode="json")


def _checked(envelope: CrowdPredictionEnvelope) -> dict[str, Any]:
    # `model_copy` and `model_construct` do not validate; what they make is looked at here
    payload = envelope.model_dump(mode="json", warnings="none", fallback=str)
    try:
        checked = CrowdPredictionEnvelope.model_validate(payload)
    except ValidationError as error:
        raise EnvelopeRefusedError(f"The envelope is not valid: {faults(error)}. Build it anew.") from error
    _refuse_mismatch(checked)
    return checked.model_dump(mode="json")  # one encoding, whoever gave which form of a time


def _refuse_mismatch(envelope: CrowdPredictionEnvelope) -> None:
    source, kind = envelope.prediction.source_type, envelope.decision_kind
    fitting = KIND_OF_SOURCE[source]
    if kind != fitting:
        raise EnvelopeRefusedError(
            f"A prediction about a {source} carries a decision of kind {fitting}, not {kind}. "
            "Build the decision from the prediction's source_type."
        )

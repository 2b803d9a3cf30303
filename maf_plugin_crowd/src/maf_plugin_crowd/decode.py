"""Reads an envelope from the wire, whatever the wire holds."""

from __future__ import annotations

from typing import Any

from maf_core import decode_envelope as decode
from maf_plugin_crowd.models import SCHEMA_VERSION, CrowdPredictionEnvelope


def decode_envelope(payload: Any) -> CrowdPredictionEnvelope | None:
    """The envelope in `payload`: JSON as bytes or text, a decoded object, or an entry's fields (`{b"data": …}`).

    None, with one warning, for an unknown `schema_version`, broken JSON, JSON that is no object, invalid UTF-8 or an
    envelope that does not validate. Never raises.
    """
    return decode(payload, CrowdPredictionEnvelope, SCHEMA_VERSION)

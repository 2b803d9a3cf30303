"""Reads an envelope from the wire, whatever the wire holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from pydantic import ValidationError
from pydantic_core import from_json

from maf_plugin_trading_intelligence.models import SCHEMA_VERSION, TradingIntelligenceEnvelope

log = structlog.get_logger(__name__)

_MAX_REASON = 300


def decode_envelope(payload: Any) -> TradingIntelligenceEnvelope | None:
    """The envelope in `payload`: JSON as bytes or text, a decoded object, or an entry's fields (`{b"data": …}`).

    None, with one warning, for an unknown `schema_version`, broken JSON, JSON that is no object, invalid UTF-8 or an
    envelope that does not validate. Never raises.
    """
    try:
        return TradingIntelligenceEnvelope.model_validate(_supported(_object(payload)))
    except ValidationError as error:
        reason = "; ".join(f"{_place(fault['loc'])}: {fault['msg']}" for fault in error.errors(include_input=False))
    except (ValueError, TypeError, RecursionError) as error:
        reason = str(error)
    log.warning("envelope_skipped", reason=reason[:_MAX_REASON])
    return None


def _object(payload: Any) -> Mapping[Any, Any]:
    content = _content(payload)
    if not isinstance(content, Mapping):
        content = from_json(content, allow_inf_nan=False)
    if not isinstance(content, Mapping):
        raise TypeError(f"the payload is {type(content).__name__}, not an object")
    return content


def _content(payload: Any) -> Any:
    """What the field `data` of an entry holds; anything else as it is."""
    if isinstance(payload, Mapping) and "schema_version" not in payload:
        return payload.get(b"data", payload.get("data", payload))
    return payload


def _supported(content: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """Look at the version first: another one may have any shape."""
    version = content.get("schema_version")
    if version != SCHEMA_VERSION:
        raise ValueError(f"schema_version {str(version)[:20]!r} is not {SCHEMA_VERSION!r}")
    return content


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location)

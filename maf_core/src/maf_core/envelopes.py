"""What the versioned envelopes of all arenas share: how their models are built, and how a consumer reads them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import structlog
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from maf_core.errors import BadEntryError
from maf_core.settings import explain

log = structlog.get_logger(__name__)

_MAX_REASON = 300


class EnvelopeModel(BaseModel):
    """Base of an envelope and of its parts: frozen; what a newer writer adds is ignored on reading."""

    model_config = ConfigDict(frozen=True, extra="ignore")


ModelT = TypeVar("ModelT", bound=BaseModel)


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:  # the first and last hours that a datetime can hold
        raise ValueError("lies outside of the years 1 to 9999 in UTC") from error


UtcDatetime = Annotated[AwareDatetime, AfterValidator(_utc)]


def decode_envelope(payload: Any, model: type[ModelT], version: str = "1") -> ModelT | None:
    """The envelope in `payload`: JSON as bytes or text, a decoded object, or an entry's fields (`{b"data": …}`).

    None, with one warning, for another `schema_version`, broken JSON, JSON that is no object, invalid UTF-8 or an
    envelope that does not validate. Never raises.
    """
    try:
        return model.model_validate(_supported(_object(payload), version))
    except ValidationError as error:
        reason = explain(error)
    except (ValueError, TypeError, RecursionError) as error:
        reason = str(error)
    log.warning("envelope_skipped", reason=reason[:_MAX_REASON])
    return None


def require_version(payload: Mapping[str, Any], what: str, version: str = "1") -> None:
    """Raises `BadEntryError` when an entry states another `schema_version`: nothing else of it can be relied on."""
    found = payload.get("schema_version", version)
    if str(found) != version:
        raise BadEntryError(f"{what} has schema version {str(found)[:20]!r}; this version of maf reads {version!r}")


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


def _supported(content: Mapping[Any, Any], version: str) -> Mapping[Any, Any]:
    """Look at the version first: another one may have any shape."""
    found = content.get("schema_version")
    if found != version:
        raise ValueError(f"schema_version {str(found)[:20]!r} is not {version!r}")
    return content

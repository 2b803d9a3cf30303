"""Bytes to payloads and back. One JSON object in one field `data`; readers also accept flat fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json, to_json

from maf_core.errors import BadEntryError

FIELD = b"data"


def encode(payload: Mapping[str, Any]) -> dict[bytes, bytes]:
    """A payload as the fields of a stream entry. NaN and infinities become null: JSON has no word for them."""
    return {FIELD: to_json(payload, inf_nan_mode="null")}


def size(fields: Mapping[bytes, bytes]) -> int:
    """How many bytes the names and values are."""
    total = 0
    for name, value in fields.items():
        total += len(name) + len(value)
    return total


def decode(fields: Mapping[bytes, bytes], max_bytes: int | None = None) -> dict[str, Any]:
    """The payload of a stream entry.

    Raises `BadEntryError` for invalid UTF-8, broken JSON, nesting without end, JSON that is no object, and, before
    anything is decoded, for more than `max_bytes`.
    """
    if max_bytes is not None and size(fields) > max_bytes:
        raise BadEntryError(f"the entry is {size(fields):,} bytes; {max_bytes:,} are allowed")
    data = fields.get(FIELD)
    try:
        if data is None:
            return {name.decode(): value.decode() for name, value in fields.items()}
        payload = from_json(data, cache_strings="keys")
    except (ValueError, UnicodeDecodeError) as error:
        raise BadEntryError(f"the entry cannot be decoded: {error}") from error
    if not isinstance(payload, dict):
        raise BadEntryError(f"the entry's data is {type(payload).__name__}, not an object")
    return payload

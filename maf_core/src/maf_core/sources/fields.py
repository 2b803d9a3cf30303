"""Read other people's payloads under any of their usual field names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from typing import Any

from pydantic_core import from_json

from maf_core.clock import parse_time
from maf_core.errors import BadEntryError, SourceError
from maf_core.sources.base import SourceQuery

SYMBOL = ("symbol", "S", "ticker")


def symbol_of(query: SourceQuery) -> str:
    """The symbol a query is about, in capitals.

    Raises `SourceError` when its target names none.
    """
    found = query.target.get("ticker") or query.target.get("symbol")
    if not isinstance(found, str) or not found.strip():
        raise SourceError(
            f"The target {dict(query.target)} names no symbol. Bind this source in arenas about a ticker."
        )
    return found.strip().upper()


def value_of(payload: Mapping[str, Any], *names: str) -> Any:
    """The first of these fields that holds something, else None."""
    return next((payload[name] for name in names if payload.get(name) not in (None, "")), None)


def text_of(payload: Mapping[str, Any], *names: str) -> str:
    """The first of these fields as text without surrounding blanks; empty when there is none."""
    found = value_of(payload, *names)
    if isinstance(found, Mapping | list):
        raise BadEntryError(f"{names[0]} is {type(found).__name__}, not text")
    return "" if found is None else str(found).strip()


def required_text(payload: Mapping[str, Any], *names: str) -> str:
    """Like `text_of`, but empty is a fault: `BadEntryError`."""
    found = text_of(payload, *names)
    if not found:
        raise BadEntryError(f"the entry has no {names[0]}")
    return found


def known_from(payload: Mapping[str, Any], *names: str) -> tuple[datetime, datetime]:
    """When it happened (the first of these fields) and when it became known: a later `as_of`, where one is stated."""
    found = value_of(payload, *names)
    if found is None:
        raise BadEntryError(f"the entry has no {names[0]}")
    happened = parse_time(found)
    stated = value_of(payload, "as_of")
    return happened, max(happened, parse_time(stated)) if stated is not None else happened


def symbols_of(payload: Mapping[str, Any], *names: str) -> list[str]:
    """The symbols that the first of these fields holds, each once and in capitals.

    A list, or as flat fields carry one: JSON or words between commas; an empty field is an empty list.
    `BadEntryError` for anything else.
    """
    found = next((payload[name] for name in names if payload.get(name) is not None), None)
    if isinstance(found, str):
        found = _split(found)
    if not isinstance(found, list) or not all(isinstance(symbol, str) for symbol in found):
        raise BadEntryError("the entry has no list of symbols")
    return list(dict.fromkeys(symbol.strip().upper() for symbol in found if symbol.strip()))


def number_of(payload: Mapping[str, Any], *names: str) -> float | None:
    """The first of these fields as a finite number; None when there is none. `BadEntryError` for anything else."""
    found = value_of(payload, *names)
    if found is None:
        return None
    try:
        number = float(found)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadEntryError(f"{names[0]} {str(found)[:40]!r} is no number") from error
    if not isfinite(number):
        raise BadEntryError(f"{names[0]} is not a finite number")
    return number


def _split(text: str) -> Any:
    if not text.lstrip().startswith("["):
        return text.split(",")
    try:
        return from_json(text)
    except ValueError as error:
        raise BadEntryError(f"symbols cannot be decoded: {error}") from error

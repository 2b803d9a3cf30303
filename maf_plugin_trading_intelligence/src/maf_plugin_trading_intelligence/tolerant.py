"""Read values of a run's state whatever they are: a degraded run still gives a well-formed envelope."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def text(value: Any, default: str = "") -> str:
    """The value as text; `default` for None and empty text."""
    if value is None or value == "":
        return default
    # Python's JSON reader lets half a surrogate pair through, which UTF-8 cannot write.
    return str(value).encode(errors="replace").decode()


def finite(value: Any) -> float | None:
    """The value as a float; None for what is no finite number."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def number(value: Any, low: float, high: float) -> float:
    """The value as a float within [low, high]; 0 for what is no finite number."""
    found = finite(value)
    return 0.0 if found is None else min(high, max(low, found))


def objects(value: Any) -> list[Mapping[str, Any]]:
    """Those items of a list that are objects; nothing when it is no list."""
    return [item for item in _items(value) if isinstance(item, Mapping)]


def texts(value: Any) -> list[str]:
    """The items of a list as text, without empty ones."""
    return [found for item in _items(value) if (found := text(item))]


def word(value: Any) -> str:
    """Text in capitals without space around it."""
    return text(value).strip().upper()


def _items(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []

"""Other people's data on a terminal."""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import from_json, to_json

from maf_core.cli.tables import plain


def as_json(value: Any, indent: int | None = 2) -> str:
    """JSON of nothing but ASCII: for programs, and safe on a terminal. NaN and infinities become null.

    Without `indent` it is one line without spaces.
    """
    separators = (",", ":") if indent is None else None
    return json.dumps(from_json(to_json(value, inf_nan_mode="null")), indent=indent, separators=separators)


def readable(value: Any) -> str:
    """Indented JSON for people: letters of all languages as they are, whatever a terminal would act on as escapes."""
    lines = to_json(value, indent=2, inf_nan_mode="null").decode().split("\n")
    return "\n".join(map(plain, lines))


def brief(value: Any) -> str:
    """A value on one line."""
    return plain(value) if isinstance(value, str) else plain(to_json(value, inf_nan_mode="null").decode())

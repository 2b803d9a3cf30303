"""Target templates: text with `{payload.field}` places, filled from an entry."""

from __future__ import annotations

import re
from typing import Any

from maf_core.errors import ExpressionError
from maf_core.plane.expressions import Expression

_PLACE = re.compile(r"\{([^{}]*)\}")


class Template:
    """A compiled template. A single place keeps the value's type; otherwise the result is text."""

    __slots__ = ("_parts", "source")

    def __init__(self, source: str) -> None:
        """Compile `source`; raises `ExpressionError` when a place is not an expression."""
        self.source = source
        self._parts = _parts(source)

    def fill(self, payload: Any) -> Any:
        """The filled template; raises `ExpressionError` naming what the payload lacks."""
        values = [part if isinstance(part, str) else _present(part, payload) for part in self._parts]
        return values[0] if len(values) == 1 else "".join(str(value) for value in values)


def _parts(source: str) -> list[str | Expression]:
    parts: list[str | Expression] = []
    end = 0
    for place in _PLACE.finditer(source):
        if place.start() > end:
            parts.append(source[end : place.start()])
        parts.append(Expression(place.group(1)))
        end = place.end()
    if end < len(source):
        parts.append(source[end:])
    if any("{" in part or "}" in part for part in parts if isinstance(part, str)):
        raise ExpressionError(f"{source!r} has a brace without its partner; a place is written {{payload.field}}.")
    return parts or [""]


def _present(expression: Expression, payload: Any) -> Any:
    value = expression(payload)
    if value is None or value == "":
        raise ExpressionError(f"{expression.source!r} is empty in this entry")
    return value

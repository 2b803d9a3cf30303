"""Target templates: text with `{payload.field}` places, filled from an entry."""

from __future__ import annotations

import re
from typing import Any

from maf_core.errors import ExpressionError
from maf_core.plane.expressions import Expression
from maf_core.plane.language.functions import MAX_TEXT
from maf_core.plane.language.grammar import MAX_LENGTH, shown

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
        filled = values[0] if len(values) == 1 else "".join(map(_text, values))
        if isinstance(filled, str) and len(filled) > MAX_TEXT:
            raise ExpressionError(f"{shown(self.source)} gives {len(filled):,} characters; {MAX_TEXT:,} are allowed")
        return filled


def _parts(source: str) -> list[str | Expression]:
    if len(source) > MAX_LENGTH:
        raise ExpressionError(f"the template is {len(source)} characters long; {MAX_LENGTH} are allowed.")
    parts: list[str | Expression] = []
    end = 0
    for place in _PLACE.finditer(source):
        if place.start() > end:
            parts.append(source[end : place.start()])
        parts.append(_expression(place))
        end = place.end()
    if end < len(source):
        parts.append(source[end:])
    if any("{" in part or "}" in part for part in parts if isinstance(part, str)):
        raise ExpressionError(f"{source!r} has a brace without its partner; a place is written {{payload.field}}.")
    return parts or [""]


def _expression(place: re.Match[str]) -> Expression:
    try:
        return Expression(place.group(1))
    except ExpressionError as error:
        raise ExpressionError(error.reason, place.start(1) + (error.column or 1)) from None


def _present(expression: Expression, payload: Any) -> Any:
    value = expression(payload)
    if value is None or value == "":
        raise ExpressionError(f"{expression.source!r} is empty in this entry")
    return value


def _text(value: Any) -> str:
    try:
        if isinstance(value, str | int | float):
            return str(value)
    except ValueError:  # Python writes no number of thousands of digits
        raise ExpressionError("the number is too long to stand in text") from None
    raise ExpressionError(f"a {type(value).__name__} cannot stand in text")

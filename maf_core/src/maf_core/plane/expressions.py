"""A trigger expression: a small part of Python's expressions over one payload, compiled once.

`payload.a.b` reads a field, `payload["a"]` and `payload.list[0]` too. A missing field makes the rule not true. There
is no way to reach anything but the payload and a few functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from maf_core.errors import ExpressionError
from maf_core.plane.language.compiling import compiled
from maf_core.plane.language.grammar import parsed, refusing, shown
from maf_core.plane.language.reasons import reason


class Expression:
    """A compiled expression. Call it with a payload to get its value, or use `holds`.

    `holds(payload)`: whether it is true of the payload; one that does not apply is not. It never raises.
    """

    __slots__ = ("_value", "holds", "source")

    holds: Callable[[Any], bool]

    def __init__(self, source: str) -> None:
        """Compile `source`; raises `ExpressionError` with the place and the reason."""
        self.source = source
        with refusing(source):
            self._value, self.holds = compiled(parsed(source))

    def __call__(self, payload: Any) -> Any:
        """The expression's value; raises `ExpressionError` when a field is missing or a type does not fit."""
        try:
            return self._value(payload)
        except Exception as error:
            raise ExpressionError(f"{shown(self.source)} does not apply: {self._reason(error)}") from error

    def why_not(self, payload: Any) -> str:
        """Why it does not apply to the payload; an empty text when it does."""
        try:
            self._value(payload)
        except Exception as error:  # noqa: BLE001
            return self._reason(error)
        return ""

    def _reason(self, error: Exception) -> str:
        return reason(error, self._value.__code__, self.source.strip())

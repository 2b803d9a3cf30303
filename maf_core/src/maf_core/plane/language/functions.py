"""What an expression can call, and the guards that stand in for operators which could make large values."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NamedTuple

MAX_TEXT = 10_000
MAX_DIGITS = 20


class Function(NamedTuple):
    """A function of the language, and how many values it takes; `most` is None where any number will do."""

    call: Callable[..., Any]
    least: int = 1
    most: int | None = 1


def _rounded(number: Any, digits: Any = None) -> Any:
    # Python computes 10 to the power of the digits, however many there are.
    if digits is not None and abs(digits) > MAX_DIGITS:
        raise ValueError(f"a number is rounded to at most {MAX_DIGITS} digits")
    return round(number, digits)


# Plain C functions wherever one does it: a call of a Python function would double what a short rule costs.
FUNCTIONS: dict[str, Function] = {
    "abs": Function(abs),
    "bool": Function(bool),
    "contains": Function(operator.contains, 2, 2),
    "endswith": Function(str.endswith, 2, 2),
    "float": Function(float),
    "len": Function(len),
    "lower": Function(str.lower),
    "max": Function(max, 1, None),
    "min": Function(min, 1, None),
    "round": Function(_rounded, 1, 2),
    "startswith": Function(str.startswith, 2, 2),
    "upper": Function(str.upper),
}
GIVE_TEXT = ("lower", "upper")
MAY_GIVE_ANY = ("max", "min")


def plus(left: Any, right: Any) -> Any:
    """`+` of two numbers or two texts, which together are not too long."""
    if isinstance(left, str) and isinstance(right, str):
        if len(left) + len(right) > MAX_TEXT:
            raise ValueError(f"the text would be longer than {MAX_TEXT:,} characters")
    elif not (isinstance(left, int | float) and isinstance(right, int | float)):
        names = f"'{type(left).__name__}' and '{type(right).__name__}'"
        raise TypeError(f"unsupported operand type(s) for +: {names}")
    return left + right


# No expression can call these by name: `_` begins no name of the language.
SCOPE: dict[str, Any] = {
    "__builtins__": {},
    "Exception": Exception,
    "_plus": plus,
    "_round": round,
    **{name: function.call for name, function in FUNCTIONS.items()},
}

"""The trigger language: a small part of Python's expressions over one payload, compiled once.

`payload.a.b` reads a field, `payload["a"]` and `payload.list[0]` too. A missing field makes the rule not true. There
is no way to reach anything but the payload and the functions below.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable
from types import CodeType
from typing import Any

from maf_core.errors import ExpressionError

MAX_LENGTH = 2000
MAX_NODES = 300
MAX_INT = 10**18
MAX_DIGITS = 20


def _number(value: Any) -> Any:
    if not isinstance(value, int | float):
        raise TypeError("not a number")
    return value


def _times(left: Any, right: Any) -> Any:
    return _number(left) * _number(right)


def _modulo(left: Any, right: Any) -> Any:
    return _number(left) % _number(right)


def _rounded(number: Any, *digits: Any) -> Any:
    # Python computes 10 to the power of the digits, however many there are.
    if any(abs(places) > MAX_DIGITS for places in digits):
        raise ValueError("too many digits")
    return round(number, *digits)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "bool": bool,
    "contains": lambda text, part: part in text,
    "endswith": lambda text, part: str(text).endswith(part),
    "float": float,
    "len": len,
    "lower": lambda text: str(text).lower(),
    "max": max,
    "min": min,
    "round": _rounded,
    "startswith": lambda text, part: str(text).startswith(part),
    "upper": lambda text: str(text).upper(),
}
_GUARDS = {"_times": _times, "_modulo": _modulo}
_GLOBALS = {"__builtins__": {}, **FUNCTIONS, **_GUARDS}

_ALLOWED: tuple[type[ast.AST], ...] = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.UAdd, ast.BinOp, ast.Add, ast.Sub,
    ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In,
    ast.NotIn, ast.Is, ast.IsNot, ast.IfExp, ast.Attribute, ast.Subscript, ast.Name, ast.Constant, ast.List, ast.Tuple,
    ast.Call, ast.Load,
)  # fmt: skip

# What an expression may meet in a payload that does not fit: then the rule is not true.
_DOES_NOT_APPLY = (
    KeyError, IndexError, TypeError, ValueError, ZeroDivisionError, OverflowError, AttributeError, RecursionError,
)  # fmt: skip


class Expression:
    """A compiled expression. Call it with a payload to get its value, or use `holds`."""

    __slots__ = ("_evaluate", "source")

    def __init__(self, source: str) -> None:
        """Compile `source`; raises `ExpressionError` with the place and the reason."""
        self.source = source
        self._evaluate: Callable[[Any], Any] = eval(_compiled(source), dict(_GLOBALS))  # noqa: S307

    def __call__(self, payload: Any) -> Any:
        """The expression's value; raises `ExpressionError` when a field is missing or a type does not fit."""
        try:
            return self._evaluate(payload)
        except _DOES_NOT_APPLY as error:
            raise ExpressionError(f"{self.source!r} does not apply: {type(error).__name__}: {error}") from error

    def holds(self, payload: Any) -> bool:
        """Whether the expression is true of the payload; one that does not apply is not."""
        try:
            return bool(self._evaluate(payload))
        except _DOES_NOT_APPLY:
            return False


def _compiled(source: str) -> CodeType:
    if len(source) > MAX_LENGTH:
        raise ExpressionError(f"the expression is {len(source)} characters long; {MAX_LENGTH} are allowed.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what Python finds odd is a mistake in the rule
            return _code(source.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        place = f" at column {error.offset}" if isinstance(error, SyntaxError) else ""
        raise ExpressionError(f"{source!r} is not an expression{place}: {error}") from error


def _code(source: str) -> CodeType:
    tree = ast.parse(source, mode="eval")
    nodes = list(ast.walk(tree))
    if len(nodes) > MAX_NODES:
        raise ExpressionError(f"the expression has {len(nodes)} parts; {MAX_NODES} are allowed. Split the rule.")
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    for node in nodes:
        _check(node)
        if isinstance(node, ast.Name) and node.id != "payload" and id(node) not in called:
            raise ExpressionError(f"{node.id} is a function; call it: {node.id}(…).")
    body = _Rewriter().visit(tree.body)
    function = ast.Lambda(ast.arguments([], [ast.arg("payload")], None, [], [], None, []), body)
    return compile(ast.fix_missing_locations(ast.Expression(function)), "<expression>", "eval")


def _check(node: ast.AST) -> None:
    column = getattr(node, "col_offset", 0) + 1
    if not isinstance(node, _ALLOWED):
        raise ExpressionError(f"{type(node).__name__} at column {column} is not part of the trigger language.")
    if isinstance(node, ast.Name) and node.id != "payload" and node.id not in FUNCTIONS:
        raise ExpressionError(f"unknown name {node.id!r} at column {column}; fields are written payload.{node.id}.")
    if isinstance(node, ast.Call) and (not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS):
        raise ExpressionError(f"only these can be called: {', '.join(FUNCTIONS)} (column {column}).")
    if isinstance(node, ast.Call) and node.keywords:
        raise ExpressionError(f"functions take no named arguments (column {column}).")
    if isinstance(node, ast.Constant):
        _check_constant(node.value, column)


def _check_constant(value: Any, column: int) -> None:
    if not isinstance(value, bool | int | float | str | None):
        raise ExpressionError(f"a {type(value).__name__} cannot be written in the trigger language (column {column}).")
    if isinstance(value, int) and abs(value) > MAX_INT:
        raise ExpressionError(f"the number at column {column} is too large.")


class _Rewriter(ast.NodeTransformer):
    """Attributes become items, so that no Python attribute can ever be reached; `*` and `%` take numbers only."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        return ast.Subscript(self.visit(node.value), ast.Constant(node.attr), ast.Load())

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        left, right = self.visit(node.left), self.visit(node.right)
        guard = {ast.Mult: "_times", ast.Mod: "_modulo"}.get(type(node.op))
        if guard is None:
            return ast.BinOp(left, node.op, right)
        return ast.Call(ast.Name(guard, ast.Load()), [left, right], [])

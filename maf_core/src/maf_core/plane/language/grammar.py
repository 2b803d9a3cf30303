"""From text to a checked tree, or to an error that names the place and the reason."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from maf_core.errors import ExpressionError
from maf_core.plane.language import parsing
from maf_core.plane.language.faults import children, fault, written

MAX_LENGTH = 2000
MAX_NODES = 300
MAX_DEPTH = 50
_SHOWN = 200


def parsed(source: str) -> ast.expr:
    """The tree of an expression; its places are those in `source.strip()`.

    Raises `ExpressionError` for what is not in the language, and under `refusing` for what is not Python either.
    """
    if len(source) > MAX_LENGTH:
        raise ExpressionError(f"the expression is {len(source)} characters long; {MAX_LENGTH} are allowed.")
    text = source.strip()
    if not text:
        raise ExpressionError("the expression is empty; one that always holds is True.")
    if "\n" in text or "\r" in text:
        raise ExpressionError(f"{shown(source)} has several lines; an expression has one. In YAML, `>` folds lines.")
    tree = parsing.expression(text)
    _check(tree, text.encode(), _indent(source))
    return tree


@contextmanager
def refusing(source: str) -> Iterator[None]:
    """Whatever Python finds wrong or odd with `source` in here is an `ExpressionError`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield
    except SyntaxError as error:
        end = len(source.strip()) + 1
        column = _indent(source) + min(error.offset or end, end)  # of some mistakes Python counts bytes
        why = error.msg if error.offset else "something is missing at its end"
        raise ExpressionError(f"{shown(source)} is not an expression: {why}", column) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError(f"{shown(source)} is not an expression: {error or 'it is nested too deeply'}.") from None


def fields(source: str) -> list[str]:
    """What of the payload a compiled expression looks at, as it is written there."""
    raw = source.strip().encode()
    found: dict[str, None] = {}
    level: list[ast.AST] = [parsed(source)]
    while level:
        node = level.pop()
        if isinstance(node, ast.Attribute | ast.Subscript):
            found[written(node, raw)] = None
        else:
            level += reversed(list(children(node)))
    return list(found)


def shown(text: str) -> str:
    """A text in quotes, shortened when it is long."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


def _indent(source: str) -> int:
    return len(source) - len(source.lstrip())


def _check(tree: ast.expr, raw: bytes, indent: int) -> None:
    """Look at every part, level by level."""
    level: list[ast.AST] = [tree]
    nodes = depth = 0
    while level:
        nodes, depth = nodes + len(level), depth + 1
        if nodes > MAX_NODES or depth > MAX_DEPTH:
            raise ExpressionError(
                f"the expression has more than {MAX_NODES} parts or {MAX_DEPTH} levels. Split the rule."
            )
        for node in level:
            wrong = fault(node, raw)
            if wrong:
                raise ExpressionError(wrong, indent + _column(raw, node))
        level = [child for node in level for child in children(node)]


def _column(raw: bytes, node: ast.AST) -> int:
    """The column of a part, from 1. Python counts bytes."""
    return len(raw[: getattr(node, "col_offset", 0)].decode()) + 1

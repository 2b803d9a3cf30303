"""Python's parser, whatever else goes on in the process."""

from __future__ import annotations

import ast
from contextlib import suppress
from typing import Any

_ATTEMPTS = 100


def module(source: str) -> ast.Module:
    """The tree of some lines; raises what `ast.parse` raises."""
    tree: ast.Module = _parsed(source, "exec")
    return tree


def expression(source: str) -> ast.expr:
    """The tree of one expression; raises what `ast.parse` raises."""
    tree: ast.Expression = _parsed(source, "eval")
    return tree.body


def _parsed(source: str, mode: str) -> Any:
    # The parser of Python 3.11 and 3.12 loses its place when somebody else parses in the middle of it: another thread,
    # or what is run when garbage is collected, such as the logging of a traceback. It then says SystemError, however
    # right the text is (python/cpython#106905).
    for _ in range(_ATTEMPTS - 1):
        with suppress(SystemError):
            return ast.parse(source, mode=mode)
    return ast.parse(source, mode=mode)

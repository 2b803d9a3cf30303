"""From a checked tree to Python functions that read fields as items and take numbers only where numbers belong."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, NamedTuple

from maf_core.plane.language import parsing
from maf_core.plane.language.functions import MAX_DIGITS, SCOPE
from maf_core.plane.language.kinds import first_field, is_number, is_sum, is_truth

_ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)

# A call or a `bool(…)` more would double what a short rule costs, so `holds` is all in one. PRESENT asks for a field
# beforehand: raising and catching an error costs more than the rest together.
_FUNCTIONS = """
def value(payload):
    return VALUE

def holds(payload):
    try:
        return PRESENT and TRUTH
    except Exception:
        return False
"""
# A whole number too large to become a float raises here, before it can grow on.
_PRODUCT = "product if (product := LEFT * RIGHT) * 0.0 is not None else product"


class Compiled(NamedTuple):
    """An expression's value of a payload, which may raise, and whether it holds, which does not."""

    value: Callable[[Any], Any]
    holds: Callable[[Any], bool]


def compiled(tree: ast.expr) -> Compiled:
    """Both functions of a tree, which is used up."""
    field, already_truth = first_field(tree), is_truth(tree)
    present = parsing.expression("True" if field is None else f"{field!r} in payload")
    value = _Rewriter().visit(tree)
    truth = value if already_truth else ast.IfExp(value, ast.Constant(True), ast.Constant(False))
    module = _with(parsing.module(_FUNCTIONS), PRESENT=present, VALUE=value, TRUTH=truth)
    made: dict[str, Any] = dict(SCOPE)
    exec(compile(ast.fix_missing_locations(module), "<expression>", "exec"), made)  # noqa: S102
    return Compiled(made["value"], made["holds"])


class _Rewriter(ast.NodeTransformer):
    """Keeps every part's place, so that an error can be told with the part it came from."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """A field is an item: no attribute of a Python object can be reached."""
        return ast.copy_location(ast.Subscript(self.visit(node.value), ast.Constant(node.attr), ast.Load()), node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """Text is neither multiplied nor formatted, and what `+` and `*` make is bounded."""
        left, right = node.left, node.right
        made: ast.expr
        match node.op:
            case ast.Add() if not (is_number(left) or is_number(right)):
                made = ast.Call(ast.Name("_plus", ast.Load()), [self.visit(left), self.visit(right)], [])
            case ast.Mult() if not (isinstance(left, ast.Constant) or isinstance(right, ast.Constant)):
                made = _with(_located(_PRODUCT, node), LEFT=self._number(left), RIGHT=self._number(right))
            case ast.Mult():  # by a written number: it grows by a few digits only
                made = ast.BinOp(self._number(left), node.op, self._number(right))
            case ast.Mod():
                made = ast.BinOp(self._number(left), node.op, self._operand(right))
            case _:
                made = ast.BinOp(self._operand(left), node.op, self._operand(right))
        return ast.copy_location(made, node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        """A sign stands before numbers."""
        if isinstance(node.op, ast.Not):
            self.generic_visit(node)
        else:
            node.operand = self._operand(node.operand)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """What is more or less than a number is one."""
        sides = [node.left, *node.comparators]
        if len(sides) == 2 and isinstance(node.ops[0], _ORDER) and any(map(is_number, sides)):
            node.left, node.comparators = self._operand(sides[0]), [self._operand(sides[1])]
        else:
            self.generic_visit(node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Rounding to a written number of digits needs no guard."""
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        digits = node.args[1:]
        if name == "round" and all(isinstance(each, ast.Constant) and _few(each.value) for each in digits):
            node.func = ast.Name("_round", ast.Load())
        node.args = [self.visit(value) for value in node.args]
        return node

    def _number(self, node: ast.expr) -> ast.expr:
        """A part that gives a number or raises. A plus sign is the shortest way to say so."""
        if is_number(node) or is_sum(node):
            return self._operand(node)
        return ast.copy_location(ast.UnaryOp(ast.UAdd(), self.visit(node)), node)

    def _operand(self, node: ast.expr) -> ast.expr:
        """A part that stands where nothing but a number will do: its sums can only be of numbers."""
        if isinstance(node, ast.BinOp) and is_sum(node):
            made = ast.BinOp(self._number(node.left), node.op, self._operand(node.right))
            return ast.copy_location(made, node)
        visited: ast.expr = self.visit(node)
        return visited


class _Put(ast.NodeTransformer):
    """Puts parts in the place of names."""

    def __init__(self, parts: dict[str, ast.expr]) -> None:
        self._parts = parts

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._parts.get(node.id, node)


def _with(tree: Any, **parts: ast.expr) -> Any:
    return _Put(parts).visit(tree)


def _located(source: str, node: ast.expr) -> ast.expr:
    """The tree of our own source, all of it at the place of a part."""
    tree = parsing.expression(source)
    for each in ast.walk(tree):
        ast.copy_location(each, node)
    return tree


def _few(digits: Any) -> bool:
    return digits is None or (isinstance(digits, int) and abs(digits) <= MAX_DIGITS)

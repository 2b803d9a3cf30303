"""What can be said of a part of an expression before there is any payload."""

from __future__ import annotations

import ast

from maf_core.plane.language.functions import GIVE_TEXT, MAY_GIVE_ANY


def gives_text(node: ast.AST) -> bool:
    """Whether a part can be nothing but text."""
    match node:
        case ast.Constant(value=str()):
            return True
        case ast.Call(func=ast.Name(id=name)):
            return name in GIVE_TEXT
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return gives_text(left) or gives_text(right)
    return False


def is_sum(node: ast.expr) -> bool:
    """Whether a part adds what may be numbers."""
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and not gives_text(node)


def is_number(node: ast.expr) -> bool:
    """Whether a part gives a number, or raises, whatever the payload."""
    match node:
        case ast.Constant(value=value):
            return isinstance(value, int | float)
        case ast.Compare() | ast.UnaryOp():
            return True
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return is_number(left) or is_number(right)
        case ast.Call(func=ast.Name(id=name)):
            return name not in (*GIVE_TEXT, *MAY_GIVE_ANY)
    return isinstance(node, ast.BinOp)


def first_field(node: ast.AST) -> str | None:
    """A field of the payload that is looked at whatever the others are, if there is one."""
    parts = ast.iter_child_nodes(node)
    match node:
        case ast.Attribute(value=ast.Name(), attr=str(name)):
            return name
        case ast.Subscript(value=ast.Name(), slice=ast.Constant(value=str(name))):
            return name
        case ast.BoolOp(values=[first, *_]) | ast.IfExp(test=first):
            parts = iter([first])
        case ast.Compare(left=left, comparators=[right, *_]):
            parts = iter([left, right])
        case ast.Call(args=values):
            parts = iter(values)
    return next(filter(None, map(first_field, parts)), None)


def is_truth(node: ast.expr) -> bool:
    """Whether a part gives True or False, or raises, whatever the payload."""
    match node:
        case ast.BoolOp(values=values):
            return all(map(is_truth, values))
        case ast.UnaryOp(op=ast.Not()) | ast.Compare():
            return True
    return False

"""What is not in the language, part by part, in a sentence each."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from maf_core.plane.language.functions import FUNCTIONS
from maf_core.plane.language.kinds import gives_text

PAYLOAD = "payload"
MAX_INT = 10**18
_SHOWN = 100

_PARTS = (ast.BoolOp, ast.UnaryOp, ast.BinOp, ast.Compare, ast.IfExp, ast.Attribute, ast.Subscript, ast.Name,
    ast.Constant, ast.List, ast.Tuple, ast.Call)  # fmt: skip
_SIGNS = (ast.And, ast.Or, ast.Not, ast.USub, ast.UAdd, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod,
    ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Is, ast.IsNot, ast.Load)  # fmt: skip
_HOLDERS = (ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.BoolOp, ast.IfExp)
_ONE_TEXT = re.compile(r"""[rRuU]?('([^'\\]|\\.)*'|"([^"\\]|\\.)*")""")
_CALLED = {
    "BitAnd": "&", "BitOr": "|", "BitXor": "^", "Dict": "a mapping", "DictComp": "a comprehension",
    "GeneratorExp": "a comprehension", "Invert": "~", "JoinedStr": "an f-string", "LShift": "<<",
    "Lambda": "a lambda", "ListComp": "a comprehension", "MatMult": "@", "NamedExpr": ":=", "Pow": "**",
    "RShift": ">>", "Set": "a set", "SetComp": "a comprehension", "Slice": "a slice", "Starred": "*",
}  # fmt: skip


def children(node: ast.AST) -> Iterable[ast.AST]:
    """The parts of a part; the name of a called function is none."""
    return node.args if isinstance(node, ast.Call) else ast.iter_child_nodes(node)


def fault(node: ast.AST, raw: bytes) -> str:
    """What is wrong with a part, or nothing. `raw`: the expression as bytes, which is how Python counts places."""
    match node:
        case ast.Name():
            return _name_fault(node, raw)
        case ast.Attribute() | ast.Subscript():
            return _field_fault(node, raw)
        case ast.Call():
            return _call_fault(node, raw)
        case ast.Constant():
            return _constant_fault(node, raw)
        case ast.Compare(ops=signs, comparators=others) if any(map(_odd_is, signs, others)):
            return "`is` compares with None, True or False; values are compared with =="
        case ast.BinOp(op=sign, left=left, right=right) if isinstance(sign, _SIGNS):
            return _operand_fault(sign, left, right)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            return _operand_fault(sign, operand)
    return _foreign(node)


def written(node: ast.expr, raw: bytes) -> str:
    """A part as it stands in the expression."""
    return raw[node.col_offset : node.end_col_offset].decode()


def _foreign(node: ast.AST) -> str:
    for part in (node, getattr(node, "op", None)):
        if part is not None and not isinstance(part, (*_PARTS, *_SIGNS)):
            kind = type(part).__name__
            return f"{_CALLED.get(kind, kind)} is not part of the trigger language"
    return ""


def _name_fault(node: ast.Name, raw: bytes) -> str:
    if node.id in FUNCTIONS:
        return f"{node.id} is a function; call it: {node.id}(…)"
    if node.id != PAYLOAD:
        return f"unknown name {node.id[:_SHOWN]!r}; fields are written payload.{node.id[:_SHOWN]}"
    return _look_alike(node, node.id, raw)


def _field_fault(node: ast.Attribute | ast.Subscript, raw: bytes) -> str:
    if not isinstance(node.value, _HOLDERS):
        return "only the payload and its parts have fields"
    if isinstance(node, ast.Attribute) and node.attr.startswith("__"):
        return 'a name with two underscores is none of a field; if an entry has it, it goes into payload["…"]'
    return _look_alike(node, node.attr, raw) if isinstance(node, ast.Attribute) else ""


def _look_alike(node: ast.expr, name: str, raw: bytes) -> str:
    """Python takes look-alikes, such as wide letters, for the plain ones; here a name is what the text says."""
    if raw[: node.end_col_offset].endswith(name.encode()):
        return ""
    return f'this is not how {name[:_SHOWN]!r} is written; any other name of a field goes into payload["…"]'


def _call_fault(node: ast.Call, raw: bytes) -> str:
    if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
        return f"only these can be called: {', '.join(FUNCTIONS)}"
    name, given = node.func.id, len(node.args)
    if node.keywords:
        return "functions take no named values"
    _, least, most = FUNCTIONS[name]
    if least <= given and (most is None or given <= most):
        return _look_alike(node.func, name, raw)
    takes = f"{least} or more" if most is None else f"{least} to {most}" if most > least else str(least)
    return f"{name} takes {takes} value{'s' * (takes != '1')}, not {given}"


def _constant_fault(node: ast.Constant, raw: bytes) -> str:
    value = node.value
    if isinstance(value, str) and not _ONE_TEXT.fullmatch(written(node, raw)):
        return "a text stands alone, in single or double quotes; is there a comma missing before the next?"
    if not isinstance(value, bool | int | float | str | None):
        return f"a {type(value).__name__} cannot be written in the trigger language"
    if (isinstance(value, int) and abs(value) > MAX_INT) or value == float("inf"):
        return "the number is too large"
    return ""


def _odd_is(sign: ast.cmpop, other: ast.expr) -> bool:
    plain = isinstance(other, ast.Constant) and (other.value is None or isinstance(other.value, bool))
    return isinstance(sign, ast.Is | ast.IsNot) and not plain


def _operand_fault(sign: ast.operator | ast.unaryop, *operands: ast.expr) -> str:
    """Sums are of numbers or texts, everything else is of numbers."""
    for operand in operands:
        if isinstance(operand, ast.List | ast.Tuple) or (isinstance(operand, ast.Constant) and operand.value is None):
            return "one does not calculate with lists or None"
        if not isinstance(sign, ast.Add) and gives_text(operand):
            return "one does not calculate with text; only + joins two texts"
    return ""

"""Why an expression does not apply to a payload, in the words of whoever writes rules."""

from __future__ import annotations

import re
from types import CodeType

_MOST = 200
_TYPES = {
    "str": "text", "int": "a number", "float": "a number", "bool": "a truth value", "NoneType": "null",
    "dict": "an object", "list": "a list", "tuple": "a list",
}  # fmt: skip
_TYPE = re.compile(rf"<({'|'.join(_TYPES)})>")
_NO_HOLDER = re.compile(r"not subscriptable|indices must be|index out of range")
# What Python says, and what it means to somebody who reads JSON; types stand in <>.
_MEANINGS = [
    (re.compile(pattern), meaning)
    for pattern, meaning in (
        (r"'(\S+)' not supported between instances of '(\w+)' and '(\w+)'", r"\1 cannot compare <\2> with <\3>"),
        (r"bad operand type for .*: '(\w+)'", r"this is <\1>, not a number"),
        (r"unsupported operand type\(s\) for (\S+): '(\w+)' and '(\w+)'", r"\1 cannot be used on <\2> and <\3>"),
        (r"can only concatenate (\w+) \(not \"(\w+)\"\) to \w+", r"+ cannot be used on <\1> and <\2>"),
        (r"object of type '(\w+)' has no len\(\)", r"<\1> has no length"),
        (r"argument of type '(\w+)' is not .*", r"nothing can be in <\1>"),
        (r"'in <string>' requires string as left operand, not (\w+)", r"in text there is text, not <\1>"),
        (r"descriptor '(\w+)' for 'str' objects doesn't apply to an? '(\w+)' object", r"\1 takes text, not <\2>"),
        (r"type (\w+) doesn't define __round__ method", r"<\1> cannot be rounded"),
        (r"float\(\) argument must be a string or a real number, not '(\w+)'", r"<\1> is no number"),
        (r"'(\w+)' object is not iterable", r"<\1> has no values"),
        (r"int too large to convert to float", r"the number is too large"),
    )
]


def reason(error: Exception, code: CodeType, text: str) -> str:
    """What was wrong, with the part of the expression `text` that raised it, as far as Python knows it."""
    part = _part(error, code, text)
    if isinstance(error, KeyError):  # it holds the key, which is the entry's and may be anything
        return f"there is no {part or 'such field'}"
    words = "its data is nested too deeply" if isinstance(error, RecursionError) else str(error)
    if part and _NO_HOLDER.search(words):
        return f"there is no {part}"
    said = _meant(words)
    return f"{part}: {said}" if part else said


def _meant(words: str) -> str:
    for pattern, meaning in _MEANINGS:
        found = pattern.fullmatch(words)
        if found:
            return _TYPE.sub(lambda name: _TYPES[name.group(1)], found.expand(meaning))
    return words if len(words) <= _MOST else f"{words[:_MOST]}…"


def _part(error: Exception, code: CodeType, text: str) -> str:
    """The part of the text that raised: the compiler has noted its place for every instruction."""
    trace = error.__traceback__
    while trace and trace.tb_frame.f_code is not code:
        trace = trace.tb_next
    if trace is None:
        return ""
    _, _, start, end = list(code.co_positions())[trace.tb_lasti // 2]
    return "" if start is None else text.encode()[start:end].decode()

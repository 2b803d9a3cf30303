"""Whoever writes a rule or an entry reaches nothing but the payload, and costs next to nothing."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maf_core.errors import ExpressionError
from maf_core.plane.expressions import Expression

PAYLOAD = {"a": 1, "list": [3, 1, 2], "text": "abc", "deep": {"b": None}}
QUICK_S = 0.5

HOSTILE = [
    # ways to Python's own objects
    "payload.__class__", "payload['__class__']", "payload.__class__.__mro__[1].__subclasses__()", "().__class__",
    "''.__class__.__mro__", "[].__class__.__base__", "True.__class__", "None.__doc__", "payload.a.__class__",
    "payload.text.__len__", "payload.list.__iter__", "abs.__self__", "len.__globals__", "lower.__code__",
    "lower.__globals__['__builtins__']", "contains.__closure__", "float.fromhex", "float.__subclasses__",
    "bool.__mro__", "payload.__dict__ or payload.__init__", "__builtins__", "__builtins__['eval']", "__name__",
    "__import__('os')",
    # calls
    "eval('1')", "exec('1')", "compile('1', '', 'eval')", "open('/etc/passwd')", "getattr(payload, 'a')", "globals()",
    "locals()", "vars()", "dir()", "print(1)", "input()", "exit()", "breakpoint()", "type(payload)", "str(payload)",
    "bytearray(9)", "sum(payload.list)", "payload()", "payload.a()", "payload.get('a')", "payload.keys()",
    "payload.text.upper()", "payload['text']['upper']()", "abs(payload.a)()", "[abs][0](1)", "(abs if 1 else len)(1)",
    "lower('x').format(payload)", "max(*payload.list)", "max(payload.list, key=len)", "max(**payload)",
    "round(number=1)", "float.__call__('1')", "_times(1, 2)", "_modulo(3, 2)", "_times", "_modulo",
    # text that formats itself
    "f'{payload.a}'", "f'{payload.__class__}'", "'{0.__class__}'.format(payload)", "'%s' % payload", "'%1000000s' % 1",
    "'%(a)s' % payload",
    # more work than it looks
    "'a' * 1000000000", "1000000000 * 'a'", "[0] * 1000000000", "(0,) * 999999999", "payload.list * 999999999",
    "payload.text * payload.a", "9**9**9", "2**1000", "1 << 100000", "99999999999999999999", "1" * 1500,
    "0x" + "f" * 900, "1_000_000_000_000_000_000_000 > 0", "round(payload.a, -3000000) < 0",
    # other parts of Python
    "lambda: 1", "(lambda: 1)()", "[x for x in payload]", "{x for x in [1]}", "{x: 1 for x in [1]}", "(x for x in [1])",
    "any(x for x in [1])", "(x := 5)", "(payload := 5)", "yield 1", "await payload", "import os", "a = 1",
    "del payload", "assert payload", "raise payload", "payload.a; payload.b", "payload.a\npayload.a", "...",
    "b'bytes'", "1j", "payload.list[0:1]", "payload.list[:]", "{1, 2}", "{'a': 1}", "{**payload}", "[*payload.list]",
    "*payload.list", "1 & 1", "1 | 1", "1 ^ 1", "~1", "1 >> 1", "payload @ payload",
    # nothing at all, and what no parser should choke on
    "", "   ", "\n", "# only a comment", "(", ")", "payload.", ".a", "payload..a", "payload[", "'unclosed", "not",
    "payload.a if", "payload->a", "payload?.a", "$payload", "@payload", "`1`", "1 <> 2", "\\", "payload.a\\",
    "\x00", "payload.a\x00", "\ud800", "'\ud800' == payload.a", "\u202epayload.a", "\ufeff",
    # names that only look like ours
    "ｅｖａｌ('1')", "ｐａｙｌｏａｄ.__class__", "рayload.a", "payload.а", "é",
    # depth
    "(" * 300 + "1" + ")" * 300, "[" * 250 + "]" * 250, "-" * 1000 + "1", "not " * 400 + "True", "payload" + ".a" * 600,
    "payload" + "['a']" * 300, "abs(" * 150 + "1" + ")" * 150, "1 if 1 else " * 150 + "1", "1" + " < 1" * 400,
]  # fmt: skip


@pytest.mark.parametrize("source", HOSTILE, ids=lambda source: ascii(source)[1:40])
def test_a_hostile_expression_is_refused_or_not_true_and_quickly(source):
    started = time.perf_counter()
    try:
        held = Expression(source).holds(PAYLOAD)
    except ExpressionError:
        held = False
    assert held is False
    assert time.perf_counter() - started < QUICK_S


def test_the_corpus_is_large():
    assert len(set(HOSTILE)) == len(HOSTILE) > 150


@pytest.mark.parametrize("digits", [-3_000_000, 3_000_000])
def test_an_entry_cannot_make_rounding_expensive(digits):
    """`digits` comes from whoever writes to the stream."""
    started = time.perf_counter()
    Expression("round(payload.price, payload.digits) > 0").holds({"price": 5, "digits": digits})
    assert time.perf_counter() - started < QUICK_S


@pytest.mark.parametrize(
    "source", ["payload.a is 1", "1 [payload.a]", "payload['\\d']", "1in [1]", "'text'.upper", "payload.a == 1 is True"]
)
def test_compiling_says_nothing_on_the_side(source):
    """Warnings are errors in these tests: an odd expression is refused or taken, in silence."""
    with suppress(ExpressionError):
        assert Expression(source).holds(PAYLOAD) in (True, False)


@pytest.mark.parametrize("name", ["abs", "len", "float", "lower"])
def test_a_function_that_is_not_called_is_a_mistake(name):
    """As a rule it would always be true."""
    with pytest.raises(ExpressionError):
        Expression(name)


SOUP = (
    "payload . [ ] ( ) , ' \" a __class__ 0 1 -1 1e9 + - * / // % ** and or not in is if else True None : := { } lambda"
    " for f' abs len max round contains \\ # = == < > ! @ & | ^ ~ é"
)
WORDS = st.sampled_from(SOUP.split())
NOISE = st.one_of(
    st.text(max_size=60), st.lists(WORDS, max_size=25).map(" ".join), st.lists(WORDS, max_size=25).map("".join)
)


@settings(max_examples=500)
@given(source=NOISE)
def test_whatever_text_comes_only_our_own_error_is_raised(source):
    with suppress(ExpressionError):
        assert Expression(source).holds(PAYLOAD) in (True, False)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(payload=JSON)
def test_whatever_entry_comes_a_rule_just_holds_or_not(payload):
    rule = (
        "payload.a * 2 > 1 and len(payload.b) % 2 == 0 or contains(payload.c, 'x') or float(payload.a) < max(payload.b)"
    )
    assert Expression(rule).holds(payload) in (True, False)

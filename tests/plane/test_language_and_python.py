"""Random expressions in our spelling (payload.a.b) mean what they do in Python's (payload["a"]["b"])."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maf_core.errors import ExpressionError
from maf_core.plane.expressions import Expression
from maf_core.plane.language.functions import FUNCTIONS

CALLS = {name: function.call for name, function in FUNCTIONS.items()}
Pair = tuple[str, str]
SMALL = st.integers(-50, 50)


def field(*names: str) -> st.SearchStrategy[Pair]:
    items = "payload" + "".join(f"[{name!r}]" for name in names)
    return st.sampled_from([("payload." + ".".join(names), items), (items, items)])


def join(pattern: str, *parts: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    """One expression of several, in both spellings at once."""
    return st.tuples(*parts).map(
        lambda pairs: tuple(pattern.format(*spelling) for spelling in zip(*pairs, strict=True))
    )


def same(values: st.SearchStrategy[object]) -> st.SearchStrategy[Pair]:
    return values.map(lambda value: (repr(value), repr(value)))


def numbers_of(inner: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    operators = [f"({{}} {sign} {{}})" for sign in ("+", "-", "*", "/", "//", "%")]
    binary = st.one_of(*(join(pattern, inner, inner) for pattern in [*operators, "max({}, {})", "min({}, {})"]))
    unary = st.one_of(*(join(pattern, inner) for pattern in ("(-{})", "(+{})", "abs({})", "round({})", "round({}, 2)")))
    return st.one_of(binary, unary, join("({} if {} else {})", inner, inner, inner))


NUMBER = st.recursive(
    st.one_of(
        same(SMALL),
        same(st.floats(-50, 50).map(lambda number: round(number, 3))),
        field("n"),
        field("deep", "n"),
        field("missing"),
        join("{}[1]", field("list")),
        join("len({})", field("text")),
    ),
    numbers_of,
    max_leaves=6,
)
TEXT = st.one_of(
    same(st.text("aBc'\"", max_size=4)),
    field("text"),
    field("deep", "text"),
    join("upper({})", field("text")),
    join("lower({})", field("deep", "text")),
    join("({} + {})", field("text"), same(st.text("ab"))),
)
TRUTH = st.recursive(
    st.one_of(
        *(join(f"({{}} {sign} {{}})", NUMBER, NUMBER) for sign in ("<", "<=", "==", "!=", ">", ">=")),
        *(
            join(pattern, TEXT, TEXT)
            for pattern in ("({} == {})", "({} in {})", "contains({}, {})", "startswith({}, {})")
        ),
        join("({} < {} < {})", NUMBER, NUMBER, NUMBER),
        join("({} in {})", NUMBER, field("list")),
        join("({} is None)", field("n")),
        same(st.booleans()),
    ),
    lambda inner: st.one_of(
        join("({} and {})", inner, inner), join("({} or {})", inner, inner), join("(not {})", inner)
    ),
    max_leaves=4,
)
PAYLOADS = st.fixed_dictionaries(
    {"list": st.lists(SMALL, max_size=3)},
    optional={
        "n": st.none() | SMALL | st.floats(allow_nan=False),
        "text": st.text(max_size=5),
        "deep": st.fixed_dictionaries({}, optional={"n": SMALL, "text": st.text(max_size=5) | SMALL}),
    },
)


@settings(max_examples=300)
@given(pair=st.one_of(NUMBER, TRUTH), payload=PAYLOADS)
def test_an_expression_means_what_python_means(pair, payload):
    ours, pythons = pair
    expression = Expression(ours)
    try:
        value = eval(pythons, {"__builtins__": {}, **CALLS}, {"payload": payload})
    except (LookupError, TypeError, ValueError, ArithmeticError):
        assert expression.holds(payload) is False
        with pytest.raises(ExpressionError):
            expression(payload)
    else:
        answer = expression(payload)
        assert type(answer) is type(value)
        assert answer == value or (math.isnan(answer) and math.isnan(value))
        assert expression.holds(payload) is bool(value)

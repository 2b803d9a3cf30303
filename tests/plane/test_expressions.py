"""The trigger language: what it means, and that it means what Python means."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maf_core.errors import ConfigError, ExpressionError
from maf_core.plane.expressions import FUNCTIONS, Expression

PAYLOAD = {
    "symbol": "AAPL",
    "price": 101.5,
    "volume": 0,
    "tags": ["split", "news"],
    "bar": {"c": 99.0, "history": [{"c": 98.0}]},
    "note": None,
    "class": "equity",
}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("payload.price > 100 and payload.bar.c < 100", True),
        ("payload['price']", 101.5),
        ("payload.bar.history[0].c", 98.0),
        ("payload.bar['history'][-1]['c']", 98.0),
        ("payload['class'] == 'equity'", True),
        ("payload.symbol in ['AAPL', 'MSFT']", True),
        ("payload.symbol not in ('IBM',)", True),
        ("contains(payload.tags, 'split')", True),
        ("contains(payload.symbol, 'AP')", True),
        ("startswith(lower(payload.symbol), 'aa') and endswith(upper('x'), 'X')", True),
        ("payload.note is None", True),
        ("payload.price is not None", True),
        ("100 < payload.price <= 101.5", True),
        ("abs(payload.bar.c / payload.price - 1) > 0.02", True),
        ("payload.volume or 7", 7),
        ("payload.volume and payload.nothing", 0),
        ("1 if payload.volume else 2", 2),
        ("max(payload.price, payload.bar.c) - min([1, 2])", 100.5),
        ("round(payload.price)", 102),
        ("round(payload.price / 3, 2)", 33.83),
        ("len(payload.tags) * 3 % 4", 2),
        ("-payload.price // 2", -51.0),
        ("bool(payload.tags)", True),
        ("float('1.5')", 1.5),
        ("  payload.price  ", 101.5),
    ],
)
def test_an_expression_has_the_value(source, value):
    assert Expression(source)(PAYLOAD) == pytest.approx(value)


@pytest.mark.parametrize(
    "source",
    [
        "payload.missing",
        "payload.missing > 1",
        "not payload.missing",
        "payload.missing is None",
        "payload.bar.missing == payload.bar.missing",
        "payload.price.cents > 0",
        "payload.note.text == 'x'",
        "payload.tags[9] == 'x'",
        "payload.tags.first == 'split'",
        "payload.symbol > 5",
        "payload.price / payload.volume > 1",
        "payload.price % payload.volume > 1",
        "float(payload.symbol) > 1",
        "contains(payload.price, 1)",
        "len(payload.price) > 0",
        "min() < 1",
    ],
)
def test_what_does_not_apply_is_not_true_and_says_why(source):
    expression = Expression(source)
    assert expression.holds(PAYLOAD) is False
    with pytest.raises(ExpressionError, match="does not apply") as caught:
        expression(PAYLOAD)
    assert source in str(caught.value)


@pytest.mark.parametrize("payload", [{}, [], None, 5, "text", {"price": {}}])
def test_any_payload_can_be_asked(payload):
    assert Expression("payload.price.high > 1").holds(payload) is False


def test_a_true_rule_needs_no_payload():
    assert Expression("True").holds({})
    assert not Expression("False").holds({})


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("payload.a >", "at column"),
        ("price > 1", "unknown name 'price' at column 1; fields are written payload.price"),
        ("1 + [x for x in payload]", "ListComp at column 5 is not part of the trigger language"),
        ("payload.a.get('b')", "only these can be called: abs, "),
        ("round(1, ndigits=1)", "no named arguments"),
        ("1" * 30, "too large"),
        ("1 + " * 600 + "1", "characters long; 2000 are allowed"),
        ("1" + "+1" * 300, "Split the rule"),
    ],
)
def test_a_wrong_expression_is_refused_with_place_and_reason(source, words):
    with pytest.raises(ExpressionError) as caught:
        Expression(source)
    assert words in str(caught.value)
    assert isinstance(caught.value, ConfigError)


# --- random expressions, in our spelling (payload.a.b) and in Python's (payload["a"]["b"]) ------------------

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
        value = eval(pythons, {"__builtins__": {}, **FUNCTIONS}, {"payload": payload})
    except (LookupError, TypeError, ValueError, ArithmeticError):
        assert expression.holds(payload) is False
        with pytest.raises(ExpressionError):
            expression(payload)
    else:
        answer = expression(payload)
        assert type(answer) is type(value)
        assert answer == value or (math.isnan(answer) and math.isnan(value))
        assert expression.holds(payload) is bool(value)

"""The trigger language: what it means, and how a mistake is told."""

from __future__ import annotations

from contextlib import suppress

import pytest

from maf_core.errors import ConfigError, ExpressionError
from maf_core.plane.expressions import Expression
from maf_core.plane.language.grammar import fields

PAYLOAD = {
    "symbol": "AAPL",
    "price": 101.5,
    "volume": 0,
    "tags": ["split", "news"],
    "bar": {"c": 99.0, "history": [{"c": 98.0}]},
    "note": None,
    "class": "equity",
    "class_": "equity",
    "flag": True,
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
        ("payload.flag + 1", 2),
        ("payload.flag * payload.flag", 1),
        ("(payload.note or 2) * payload.price", 203.0),
        ("payload.price * payload.bar.c", 10048.5),
        ("payload.price + payload.bar.c", 200.5),
        ("(payload.price + payload.bar.c) / 2 > 100", True),
        ("payload.symbol + '/' + payload.class_", "AAPL/equity"),
        ("payload.price is not None", True),
        ("100 < payload.price <= 101.5", True),
        ("abs(payload.bar.c / payload.price - 1) > 0.02", True),
        ("payload.volume or 7", 7),
        ("payload.volume and payload.nothing", 0),
        ("1 if payload.volume else 2", 2),
        ("True or payload.missing", True),
        ("1 if True else payload.missing", 1),
        ("not 2 < 1 < payload.missing", True),
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
    expression = Expression(source)
    assert expression(PAYLOAD) == pytest.approx(value)
    assert expression.holds(PAYLOAD) is bool(value)


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
        "lower(payload.price) == 'x'",
        "payload.symbol * 2 == 'AAPLAAPL'",
        "payload.tags + payload.tags",
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
    ("source", "column", "words"),
    [
        ("payload.a >", 12, "is not an expression"),
        ("payload.class == 1", 9, "is not an expression"),
        ("price > 1", 1, "unknown name 'price'; fields are written payload.price"),
        ("  1 + price", 7, "unknown name 'price'"),
        ("'é' == price", 8, "unknown name 'price'"),
        ("1 + [x for x in payload]", 5, "a comprehension is not part of the trigger language"),
        ("payload.a.get('b')", 1, "only these can be called: abs, "),
        ("round(1, ndigits=1)", 1, "no named values"),
        ("1 < round(1, 2, 3)", 5, "round takes 1 to 2 values, not 3"),
        ("max()", 1, "max takes 1 or more values, not 0"),
        ("len(1, 2)", 1, "len takes 1 value, not 2"),
        ("payload.a in ['A' 'B']", 15, "is there a comma missing"),
        ("payload.a is 1", 1, "compared with =="),
        ("2 * 'a'", 1, "one does not calculate with text"),
        ("payload.ａ", 1, "this is not how 'a' is written"),
        ("payload.__class__", 1, "none of a field"),
        ("1" * 30, 1, "too large"),
        ("1 + " * 600 + "1", None, "characters long; 2000 are allowed"),
        ("1" + "+1" * 300, None, "Split the rule"),
        ("payload.a > 1\nand payload.b", None, "several lines"),
        (" ", None, "is empty"),
    ],
)
def test_a_wrong_expression_is_refused_with_place_and_reason(source, column, words):
    with pytest.raises(ExpressionError) as caught:
        Expression(source)
    assert words in str(caught.value)
    assert caught.value.column == column
    assert column is None or str(caught.value).endswith(f"(column {column}).")
    assert isinstance(caught.value, ConfigError)


def test_the_place_of_a_mistake_is_never_behind_the_expression():
    source = "payload.ö == 'äöüäöüäöü' and 012 > 1"  # of which Python says where in bytes
    with pytest.raises(ExpressionError, match="leading zeros") as caught:
        Expression(source)
    assert 0 < caught.value.column <= len(source) + 1


@pytest.mark.parametrize("name", ["abs", "len", "float", "lower"])
def test_a_function_that_is_not_called_is_a_mistake(name):
    """As a rule it would always be true."""
    with pytest.raises(ExpressionError, match=f"call it: {name}"):
        Expression(name)


@pytest.mark.parametrize(
    "source", ["payload.a is 1", "1 [payload.a]", "payload['\\d']", "1in [1]", "'text'.upper", "payload.a == 1 is True"]
)
def test_compiling_says_nothing_on_the_side(source):
    """Warnings are errors in these tests: an odd expression is refused or taken, in silence."""
    with suppress(ExpressionError):
        assert Expression(source).holds(PAYLOAD) in (True, False)


def test_the_fields_an_expression_looks_at_are_known():
    source = "payload.a.b > 1 and payload['c'] in payload.d or payload.a.b + abs(payload.list[0].x)"
    assert fields(source) == ["payload.a.b", "payload['c']", "payload.d", "payload.list[0].x"]

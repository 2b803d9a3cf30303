"""Target templates: text with places, filled from an entry."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maf_core.errors import ExpressionError
from maf_core.plane.templates import Template

PAYLOAD = {"symbol": "AAPL", "n": 0, "list": ["a", "b"], "bar": {"t": "2024-01-02"}, "empty": "", "none": None}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{payload.symbol}", "AAPL"),
        ("{payload.bar.t}", "2024-01-02"),
        ("{payload.n}", 0),
        ("{payload.list}", ["a", "b"]),
        ("{payload.symbol}/{payload.n}", "AAPL/0"),
        ("US:{payload.symbol}", "US:AAPL"),
        ("{lower(payload.symbol)}", "aapl"),
        ("{payload.list[0]}{payload.list[1]}", "ab"),
        ("AAPL", "AAPL"),
        ("", ""),
    ],
)
def test_a_template_filled(source, value):
    assert Template(source).fill(PAYLOAD) == value


@pytest.mark.parametrize("field", ["missing", "empty", "none", "bar.missing", "symbol.x"])
@pytest.mark.parametrize("around", ["{}", "x{}", "{}/{{payload.n}}"])
def test_a_template_says_which_field_the_entry_lacks(field, around):
    template = Template(around.format(f"{{payload.{field}}}").replace("{{", "{").replace("}}", "}"))
    with pytest.raises(ExpressionError, match=f"payload.{field}"):
        template.fill(PAYLOAD)


@pytest.mark.parametrize(
    "source", ["{payload.symbol", "payload.symbol}", "{{payload.symbol}}", "{}", "{symbol}", "{a b}"]
)
def test_a_wrong_template_is_refused_when_compiled(source):
    with pytest.raises(ExpressionError):
        Template(source)


@pytest.mark.parametrize(
    ("source", "column"), [("{symbol}", 2), ("US:{payload.}", 13), ("{payload.a}/{1 + b}", 18), ("{payload.a", None)]
)
def test_a_mistake_is_told_with_its_place_in_the_template(source, column):
    with pytest.raises(ExpressionError) as caught:
        Template(source)
    assert caught.value.column == column


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x{payload.long}", "gives 10,001 characters; 10,000 are allowed"),
        ("{payload.long}{payload.long}", "characters; 10,000 are allowed"),
        ("x{payload.list}", "a list cannot stand in text"),
        ("x{payload.bar}", "a dict cannot stand in text"),
        ("x{payload.big + payload.big}", "too long to stand in text"),
    ],
)
def test_what_an_entry_brings_makes_no_huge_target(source, words):
    with pytest.raises(ExpressionError, match=words):
        Template(source).fill({**PAYLOAD, "long": "x" * 10_000, "big": int("9" * 4300)})


def test_a_template_of_any_size_is_refused():
    with pytest.raises(ExpressionError, match="2000 are allowed"):
        Template("{payload.a}" * 10**5)


@given(st.text(st.characters(blacklist_characters="{}")))
def test_text_without_places_stays_as_it_is(text):
    assert Template(text).fill({}) == text


@given(st.text())
def test_whatever_text_comes_only_our_own_error_is_raised(text):
    with suppress(ExpressionError):
        Template(text).fill(PAYLOAD)

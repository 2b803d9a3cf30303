"""Whoever writes a rule or an entry reaches nothing but the payload, and costs next to nothing."""

from __future__ import annotations

import ast
import gc
import random
import runpy
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maf_core.errors import ExpressionError
from maf_core.plane.expressions import Expression
from maf_core.plane.language.functions import MAX_TEXT

FUZZ = runpy.run_path(str(Path(__file__).parent / "programs" / "fuzz_expressions.py"))
REFUSED, NOT_TRUE = FUZZ["corpus"]("refused"), FUZZ["corpus"]("not_true")
ENTRY = FUZZ["hostile"](20_000)
MOST_LINES = 20_000
PAYLOAD = {"a": 1, "list": [3, 1, 2], "text": "abc", "deep": {"b": None}}


def names(attempts: list[tuple[str, str]]) -> list[str]:
    return [f"{group}: {ascii(source)[:40]}" for group, source in attempts]


def lines_of(source: str) -> int:
    """How many lines of Python run until an expression is refused: what it costs, on any machine."""
    count = 0

    def trace(*_):
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        Expression(source)
    except ExpressionError:
        return count
    finally:
        sys.settrace(before)
    raise AssertionError("it was not refused")


@pytest.mark.parametrize(("group", "source"), REFUSED, ids=names(REFUSED))
def test_an_attempt_is_refused_with_a_sentence_and_little_work(group, source):
    with pytest.raises(ExpressionError) as caught:
        Expression(source)
    assert str(caught.value).endswith(".")
    assert 20 < len(str(caught.value)) < 500
    assert caught.value.column is None or 1 <= caught.value.column <= len(source) + 1
    assert lines_of(source) < MOST_LINES


@pytest.mark.parametrize(("group", "source"), NOT_TRUE, ids=names(NOT_TRUE))
def test_an_attempt_through_the_entry_holds_for_none(group, source):
    expression = Expression(source)
    assert expression.holds(ENTRY) is False
    for entry in (ENTRY, *FUZZ["ENTRIES"]):
        assert expression.holds(entry) in (True, False)
        with suppress(ExpressionError):  # and nothing else
            expression(entry)


def test_a_parser_at_work_elsewhere_is_no_mistake_of_the_expression():
    """As when garbage is collected in the middle, and what is logged for it shows a traceback."""
    elsewhere = 5

    def parse(phase, _):
        nonlocal elsewhere
        if phase == "stop" and elsewhere:
            elsewhere -= 1
            ast.parse("1 + 1")

    threshold = gc.get_threshold()
    gc.callbacks.append(parse)
    try:
        gc.set_threshold(10)
        while elsewhere:
            assert Expression(" + ".join(["payload.a"] * 40)).holds({"a": 1})
    finally:
        gc.set_threshold(*threshold)
        gc.callbacks.remove(parse)


def test_the_corpus_is_large():
    sources = [source for _, source in REFUSED + NOT_TRUE]
    assert len(set(sources)) == len(sources) > 600


@pytest.mark.parametrize("size", [10**5, 10**7])
def test_a_source_of_any_size_is_refused_before_it_is_looked_at(size):
    assert lines_of("payload.a or " * (size // 13)) < 200


def test_text_grows_to_a_limit_only():
    entry = {"half": "a" * (MAX_TEXT // 2)}
    assert len(Expression("payload.half + payload.half")(entry)) == MAX_TEXT
    with pytest.raises(ExpressionError, match="longer than 10,000 characters"):
        Expression("payload.half + payload.half + 'a'")(entry)


def test_numbers_grow_to_a_limit_only():
    entry = {"n": 10**200, "f": 1e200}
    assert Expression("payload.n * 2")(entry) == 2 * 10**200
    assert Expression("payload.f * payload.f")(entry) == float("inf")
    with pytest.raises(ExpressionError, match="the number is too large"):
        Expression("payload.n * payload.n")(entry)


SOUP = (
    "payload . [ ] ( ) , ' \" a __class__ 0 1 -1 1e9 + - * / // % ** and or not in is if else True None : := { } lambda"
    " for f' abs len max round contains \\ # = == < > ! @ & | ^ ~ é"
)
WORDS = st.sampled_from(SOUP.split())
NOISE = st.one_of(
    st.text(max_size=60), st.lists(WORDS, max_size=25).map(" ".join), st.lists(WORDS, max_size=25).map("".join)
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=500)
@given(source=NOISE, entry=JSON)
def test_whatever_text_comes_only_our_own_error_is_raised(source, entry):
    with suppress(ExpressionError):
        assert Expression(source).holds(entry) in (True, False)


@given(entry=JSON)
def test_whatever_entry_comes_a_rule_just_holds_or_not(entry):
    rule = (
        "payload.a * 2 > 1 and len(payload.b) % 2 == 0 or contains(payload.c, 'x') or float(payload.a) < max(payload.b)"
    )
    assert Expression(rule).holds(entry) in (True, False)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32))
def test_whatever_the_fuzzer_makes_nothing_is_wrong(seed):
    """`make fuzz` does the same a million times."""
    maker, tally = FUZZ["Maker"](seed), FUZZ["Tally"]()
    for _ in range(50):
        tally.attempt(maker(), FUZZ["ENTRIES"])
    assert tally.wrong == []
    assert tally.counts.total() >= 50


def test_the_fuzzer_sees_what_is_wrong(monkeypatch):
    tally = FUZZ["Tally"]()

    class Broken:
        def __init__(self, source):
            self.source = source
            if source == "raise":
                raise KeyError(source)

        def holds(self, entry):
            return random.choice([1, "yes", None, []])

        def __call__(self, entry):
            return None

    monkeypatch.setitem(tally.attempt.__globals__, "Expression", Broken)
    tally.attempt("raise", [{}])
    tally.attempt("payload", [{}])
    assert ["KeyError" in tally.wrong[0], "gave" in tally.wrong[1]] == [True, True]

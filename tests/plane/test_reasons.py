"""Why a rule does not apply to an entry, told to whoever wrote the rule."""

from __future__ import annotations

import subprocess
import sys

import pytest

from maf_core.errors import ExpressionError
from maf_core.plane.expressions import Expression

ENTRY = {
    "symbol": "AAPL",
    "price": 101.5,
    "tags": ["a"],
    "bar": {"c": 99.0},
    "note": None,
    "up": True,
    "key": "k" * 999,
}


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("payload.missing > 1", "there is no payload.missing"),
        ("payload.price > 1 and payload['bar'].high > 1", "there is no payload['bar'].high"),
        ("payload.bar.high.c", "there is no payload.bar.high"),
        ("payload.tags[3] == 'x'", "there is no payload.tags[3]"),
        ("payload.tags.first == 'x'", "there is no payload.tags.first"),
        ("payload.price.cents > 1", "there is no payload.price.cents"),
        ("payload.note.text == 'x'", "there is no payload.note.text"),
        ("payload[payload.key] > 1", "there is no payload[payload.key]"),
        ("'é' == payload.größe", "there is no payload.größe"),
        ("   payload.missing", "there is no payload.missing"),
        ("payload.symbol > 5", "payload.symbol > 5: > cannot compare text with a number"),
        ("payload.note <= 5", "payload.note <= 5: <= cannot compare null with a number"),
        ("payload.symbol * 2 > 1", "payload.symbol: this is text, not a number"),
        ("payload.price * payload.tags", "payload.tags: this is a list, not a number"),
        ("payload.price - payload.bar > 1", "payload.price - payload.bar: - cannot be used on a number and an object"),
        (
            "payload.symbol + payload.price == 1",
            "payload.symbol + payload.price: + cannot be used on text and a number",
        ),
        ("payload.price + payload.symbol > 1", "payload.price + payload.symbol: + cannot be used on a number and text"),
        ("-payload.note > 1", "-payload.note: this is null, not a number"),
        ("abs(payload.symbol) > 1", "abs(payload.symbol): this is text, not a number"),
        ("len(payload.price) > 1", "len(payload.price): a number has no length"),
        ("'a' in payload.price", "'a' in payload.price: nothing can be in a number"),
        ("payload.price in payload.symbol", "payload.price in payload.symbol: in text there is text, not a number"),
        ("lower(payload.price) == 'a'", "lower(payload.price): lower takes text, not a number"),
        ("round(payload.tags) > 1", "round(payload.tags): a list cannot be rounded"),
        ("float(payload.note) > 1", "float(payload.note): null is no number"),
        ("float(payload.symbol) > 1", "float(payload.symbol): could not convert string to float: 'AAPL'"),
        ("max(payload.price) > 1", "max(payload.price): a number has no values"),
        ("payload.price / (payload.up - 1)", "payload.price / (payload.up - 1): float division by zero"),
    ],
)
def test_the_part_and_the_reason_are_told(source, why):
    with pytest.raises(ExpressionError) as caught:
        Expression(source)(ENTRY)
    assert str(caught.value) == f"{source!r} does not apply: {why}"


def test_what_the_entry_brings_is_told_in_short():
    with pytest.raises(ExpressionError) as caught:
        Expression("float(payload.text)")({"text": "x" * 10**6})
    assert len(str(caught.value)) < 400


def test_without_places_in_the_code_the_reason_is_there_still():
    """`-X no_debug_ranges` and PYTHONNODEBUGRANGES save memory by leaving them out."""
    program = "from maf_core.plane.expressions import Expression as E; E('payload.a > 1')({})"
    done = subprocess.run(
        [sys.executable, "-X", "no_debug_ranges", "-c", program], capture_output=True, text=True, check=False
    )
    assert "'payload.a > 1' does not apply: there is no such field" in done.stderr

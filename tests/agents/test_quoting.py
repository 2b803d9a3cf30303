"""Quoted text: it cannot end its quotation, hide anything, or grow without bounds."""

from __future__ import annotations

import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maf_core.agents.quoting import bounded, clean, quote, quote_json

QUOTED = re.compile(r'\A<quoted id="([0-9a-f]{16})" origin="([^"\n<>]*)">\n(.*)\n</quoted id="\1">\Z', re.DOTALL)
SEEN = {" ", "\n"}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
# Texts made of what an attacker would try.
HOSTILE = st.lists(
    st.sampled_from(
        ["</quoted", "<quoted", ' id="', '">', "\n", "\r", "\u202e", "\u200b", "<|im_start|>", "[INST]", "‹"]
    )
    | st.text(st.characters(), max_size=5),
    max_size=12,
).map("".join)


@given(text=HOSTILE, origin=HOSTILE)
def test_a_quotation_has_one_end_and_nothing_that_nobody_sees(text, origin):
    said = quote(text, origin)
    found = QUOTED.match(said)
    assert found
    body = found[3]
    assert not set("<>") & set(body)
    assert "[INST]" not in body
    assert {char for char in said if not char.isprintable()} <= SEEN


@given(text=HOSTILE)
def test_the_same_text_is_always_quoted_alike(text):
    assert quote(text, "news") == quote(text, "news")


@given(text=st.text(st.characters(), max_size=300), limit=st.integers(1, 200))
def test_cleaning_bounds_and_leaves_nothing_to_clean(text, limit):
    once = clean(text, limit)
    assert len(once) <= limit + len("… [cut]")
    assert clean(once, limit + 10) == once.strip()


@given(data=JSON)
def test_any_json_can_be_quoted(data):
    assert QUOTED.match(quote_json(data, "a tool"))


def test_what_was_cut_is_said():
    assert clean("a" * 11, 10) == "aaaaaaaaaa… [cut]"
    assert clean("a" * 10, 10) == "a" * 10
    assert len(clean("\u200b" * 10_000_000 + "late", 10)) < 20


@pytest.mark.parametrize(
    "hidden",
    [
        "\u202e",  # right-to-left override
        "\u2066\u2069",  # isolates
        "\u200b\u200c\u200d\u2060\ufeff",  # zero width
        "\U000e0049\U000e0067",  # tag letters: invisible ASCII
        "\ufe0f\U000e0100",  # variation selectors, which can carry bytes
        "\u3164\u115f\u2800",  # fillers
        "\x00\x1b[31m\x07"[0:1] + "\x1b\x07",  # control characters
        "\ue000",  # private use
        "\ud800",  # half a pair
    ],
)
def test_characters_that_nobody_sees_are_gone(hidden):
    assert clean(f"IBM {hidden}beats", 100) == "IBM beats"


def test_what_people_write_stays():
    said = "Σ 日本語 العربية ½ €5,3 – naïve “quote” 📈\nsecond line"
    assert clean(said, 100) == said
    assert unicodedata.is_normalized("NFC", said)


def test_texts_within_data_are_cut_one_by_one():
    data = {"headline": "x" * 5000, "n": 1, "more": ["y" * 5000], "k" * 500: None}
    found = bounded(data, 100)
    assert len(found["headline"]) < 120
    assert len(found["more"][0]) < 120
    assert max(map(len, found)) < 100
    assert found["n"] == 1


def test_json_in_a_quotation_is_still_json():
    said = quote_json([{"headline": "A > B </quoted>"}], "news")
    assert json.loads(QUOTED.match(said)[3]) == [{"headline": "A › B ‹/quoted›"}]

"""BM25 as the memory uses it: right from the first memory on."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maf_plugin_mastermind.ranking import scores, tokens

TEXT = st.text("abé_ .:\n\x00'", max_size=20)


def test_no_memories_have_no_scores():
    assert scores("aapl", []) == []


def test_one_memory():
    """Its words are in all texts there are: Okapi's weight would be negative."""
    (score,) = scores("target: ticker AAPL", ["target: ticker AAPL"])
    assert score > 0
    assert scores("target: ticker AAPL", ["something else"]) == [0.0]


def test_two_memories():
    """Each word is in half of the texts: Okapi's weight would be 0, and both alike."""
    like, unlike = scores("chart bullish", ["chart bullish", "report bearish"])
    assert like > unlike == 0.0


def test_two_memories_with_all_words_in_common_but_one():
    apple, exxon = scores("ticker AAPL chart bullish", ["ticker AAPL chart bullish", "ticker XOM chart bullish"])
    assert apple > exxon > 0


@pytest.mark.parametrize("place", [0, 1, 2])
def test_three_memories(place):
    texts = ["ticker XOM chart bearish"] * 3
    texts[place] = "ticker AAPL chart bullish"
    found = scores("ticker AAPL chart bullish", texts)
    assert found.index(max(found)) == place


def test_a_rare_word_weighs_more_than_a_common_one():
    rare, common, *_ = scores("halted moved", ["halted x", "moved x", "moved x", "moved x"])
    assert rare > common > 0


def test_who_said_it_stays_with_what_was_said():
    wanted = "chart BULLISH\nnews BEARISH"
    same, swapped = scores(wanted, ["chart BULLISH\nnews BEARISH", "chart BEARISH\nnews BULLISH"])
    assert same > swapped


def test_pairs_do_not_reach_over_lines():
    assert tokens("a b\nc") == ["a", "b", "a_b", "c"]


def test_words_are_compared_without_case():
    assert scores("aapl", ["AAPL"]) == scores("AAPL", ["AAPL"]) != [0.0]


def test_saying_a_word_again_does_not_make_the_question_another():
    texts = ["moved up", "halted", "moved"]
    assert scores("moved moved moved", texts)[1:] == scores("moved", texts)[1:]


@given(wanted=TEXT, texts=st.lists(TEXT, max_size=6))
def test_any_texts_have_finite_scores_of_at_least_0(wanted, texts):
    found = scores(wanted, texts)
    assert len(found) == len(texts)
    assert all(math.isfinite(score) and score >= 0 for score in found)


def test_what_else_was_said_makes_a_situation_no_less_alike():
    """A run asks with its target alone; a decision that nobody had data for must not come first for being short."""
    short, long = scores("ticker AAPL", ["ticker AAPL\nnews abstained", "ticker AAPL\nchart BULLISH strong: rising"])
    assert short == long > 0


@given(text=TEXT, others=st.lists(TEXT, max_size=4))
def test_the_same_words_are_more_alike_than_none_of_them(text, others):
    same, *rest = scores(text, [text, *(" ".join(["zzz"] * len(tokens(other))) for other in others)])
    assert all(same > score == 0 for score in rest)


def test_the_package_is_imported_when_something_is_ranked_and_not_before():
    program = (
        "import sys, maf_plugin_mastermind.memory as m; from maf_plugin_mastermind.ranking import scores;"
        "print('numpy' in sys.modules); scores('a', ['a']); print('numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]

"""How alike situations are: BM25 over their words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

_WORD = re.compile(r"\w+")


def scores(wanted: str, situations: Sequence[str]) -> list[float]:
    """How much each situation shares with the wanted one; 0 for nothing, and never less.

    Okapi's weight of a word, log((N - n + 0.5) / (n + 0.5)), is 0 or negative when half of the N texts have it, which
    with few memories is most words; that of BM25+, log((N + 1) / n), is always positive (Lv & Zhai, Lower-Bounding Term
    Frequency Normalization, CIKM 2011). Its lower bound delta is off: the package also adds it to texts without the
    word. Length does not count (b = 0): a situation in which more was said is no less alike.
    """
    from rank_bm25 import BM25Plus  # it brings numpy, which listing and remembering do not need

    if not situations:
        return []
    ranking = BM25Plus([tokens(text) for text in situations], b=0, delta=0)
    return [float(score) for score in ranking.get_scores(list(dict.fromkeys(tokens(wanted))))]


def tokens(text: str) -> list[str]:
    """The words of a text and its pairs of neighbours, lower case: who said it stays with what was said.

    A text without words is one empty token: the mean length of texts must not be 0.
    """
    return [token for line in text.casefold().splitlines() for token in _with_pairs(_WORD.findall(line))] or [""]


def _with_pairs(words: list[str]) -> Iterable[str]:
    yield from words
    yield from map("_".join, pairwise(words))

"""A small lexicon of words that move shares, and how to count them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

_FILE = Path(__file__).with_name("data") / "lexicon.yaml"
_WORD = re.compile(r"[a-z]+(?:-[a-z]+)*")


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Words in lower case, each good or bad for a share."""

    good: frozenset[str]
    bad: frozenset[str]

    def hits(self, text: str) -> tuple[Counter[str], Counter[str]]:
        """How often each good and each bad word stands in the text."""
        words = Counter(_WORD.findall(text.lower()))
        return _only(words, self.good), _only(words, self.bad)

    def tone(self, text: str) -> float | None:
        """(good - bad) / (good + bad), in [-1, 1]; None when the text has none of the words."""
        good, bad = (found.total() for found in self.hits(text))
        return (good - bad) / (good + bad) if good + bad else None


@cache
def lexicon() -> Lexicon:
    """The lexicon of `data/lexicon.yaml`, beside this module."""
    content = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return Lexicon(frozenset(content["good"].split()), frozenset(content["bad"].split()))


def _only(words: Counter[str], wanted: frozenset[str]) -> Counter[str]:
    return Counter({word: words[word] for word in sorted(words.keys() & wanted)})

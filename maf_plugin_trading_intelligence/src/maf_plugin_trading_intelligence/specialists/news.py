"""The news specialist: good and bad words in headlines and summaries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field

from maf_core import Abstention, AgentSignal, SourceResult, SpecialistAgent
from maf_core.agents.base import AgentOptions, State
from maf_core.agents.lexicon import lexicon
from maf_plugin_trading_intelligence.specialists.leaning import lean, sureness
from maf_plugin_trading_intelligence.tolerant import text

_SHOWN = 4


class NewsOptions(AgentOptions):
    """`dead_band`: a balance no further from 0 than this is neutral. `enough_hits`: words for full confidence."""

    dead_band: float = Field(0.2, ge=0, lt=1)
    enough_hits: int = Field(6, ge=1)


class NewsSpecialist(SpecialistAgent):
    """Reads {headline, summary} items and counts the words of the lexicon.

    Balance = (good - bad) / (good + bad), in [-1, 1]. Confidence grows with the number of words found.
    """

    domain = "news"
    instructions = "Judge what the news mean for the price: what is new in them, what was expected, who says so."
    model_alone = True  # a model understands sentences in which the lexicon knows no word
    Options = NewsOptions

    def routine(self, data: Mapping[str, SourceResult], state: State) -> AgentSignal | Abstention:
        """Lean as the words do; abstain without news, and when the lexicon knows none of their words."""
        options: NewsOptions = self.options
        items = [item for result in data.values() for item in result.data or ()]
        if not items:
            return Abstention(reason="no news")
        good, bad = _hits(items)
        hits = good.total() + bad.total()
        if not hits:
            return Abstention(reason=f"none of {len(items)} news items has a word of the lexicon")
        balance = (good.total() - bad.total()) / hits
        direction = lean(balance, options.dead_band)
        return AgentSignal(
            signal=direction,
            confidence=sureness(balance, options.dead_band) * min(1.0, hits / options.enough_hits),
            summary=f"{direction.value.capitalize()}: {good.total()} good and {bad.total()} bad words.",
            key_factors=[_factor("good", good), _factor("bad", bad), f"{len(items)} items"],
        )


def _hits(items: Iterable[Mapping[str, Any]]) -> tuple[Counter[str], Counter[str]]:
    words = " ".join(f"{text(item.get('headline'))} {text(item.get('summary'))}" for item in items)
    return lexicon().hits(words)


def _factor(kind: str, words: Counter[str]) -> str:
    shown = ", ".join(f"{word} ×{count}" for word, count in words.most_common(_SHOWN))
    return f"{kind}: {shown or 'none'}"

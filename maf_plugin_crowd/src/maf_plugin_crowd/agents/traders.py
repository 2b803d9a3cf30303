"""The role `crowd_traders`: a crowd of rule-based traders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field

from maf_core import Agent, SourceResult
from maf_core.agents.base import AgentOptions, State
from maf_core.agents.lexicon import lexicon
from maf_plugin_crowd.agents.state import voted
from maf_plugin_crowd.traders import Situation, traders, votes_of
from maf_plugin_crowd.votes import Vote

if TYPE_CHECKING:
    from maf_core import RunContext


class TradersOptions(AgentOptions):
    """How many traders, drawn with which seed, and what each one's vote weighs."""

    count: int = Field(12, ge=1, le=1000)
    seed: int = 7
    weight: float = Field(1.0, gt=0, allow_inf_nan=False)


class TradersAgent(Agent):
    """Lets each trader look at prices and words: bars of a share, or a bet's own prices, and the news."""

    Options = TradersOptions

    async def run(self, state: State, context: RunContext) -> State:
        """The votes; a trader that has nothing to go by abstains."""
        question, options = state["question"], self.options
        if question["fault"]:
            return {}
        situation = _situation(question, await context.fetch_all(self.config.sources))
        said = list(votes_of(traders(options.count, options.seed), situation, options.weight))
        return voted(
            [one for one in said if isinstance(one, Vote)], dict(one for one in said if not isinstance(one, Vote))
        )


def _situation(question: Mapping[str, Any], data: Mapping[str, SourceResult]) -> Situation:
    known = [_prices(answer.data) for answer in data.values()] + [_points(question.get("history"))]
    prices = next(filter(None, known), [])
    words = [str(question.get("text", "")), *(text for answer in data.values() for text in _texts(answer.data))]
    stated = question.get("sentiment")
    tone = float(stated) if isinstance(stated, int | float) else lexicon().tone(" ".join(words))
    return Situation(prices, tone, question["outcomes"], f"{question['source_type']}/{question['source_id']}")


def _prices(data: Any) -> list[float]:
    """The closes of bars, or a market's own history."""
    if isinstance(data, Mapping):
        return _points([point.get("p") for point in data.get("history") or ()])
    rows = data if isinstance(data, list) else []
    return [float(row["c"]) for row in rows if isinstance(row, Mapping) and _is_price(row.get("c"))]


def _points(values: Any) -> list[float]:
    return [float(value) for value in values or () if _is_price(value)]


def _is_price(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _texts(data: Any) -> list[str]:
    rows = data if isinstance(data, list) else []
    return [f"{row.get('headline', '')} {row.get('summary', '')}" for row in rows if isinstance(row, Mapping)]

"""The three decision kinds of this plugin."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from maf_core.agents.base import AgentOptions
from maf_plugin_crowd.crowd import Crowd
from maf_plugin_crowd.deciding import Data, Decided, Decider
from maf_plugin_crowd.decisions.fomo2 import Fomo2Options, fomo2_signal, no_signal
from maf_plugin_crowd.decisions.oddsoddy import OddsOddyOptions, no_multiplier, oddsoddy_multiplier
from maf_plugin_crowd.decisions.polymarket import PolymarketOptions, no_side, polymarket_side
from maf_plugin_crowd.models import Fomo2Signal, OddsOddyMultiplier, Outcome, PolymarketSide
from maf_plugin_crowd.polymarket.market import market_of
from maf_plugin_crowd.votes import PRICE_OUTCOMES


class Fomo2DeciderOptions(AgentOptions, Fomo2Options):
    """Options of `fomo2_signal`."""


class ReportDecider(Decider):
    """Reports: BUY, SELL or HOLD."""

    kind = "fomo2_signal"
    outcomes = PRICE_OUTCOMES
    Decision = Fomo2Signal
    Options = Fomo2DeciderOptions

    @classmethod
    def fault(cls, question: Mapping[str, Any]) -> str:
        """A report about no share has no price to go up or down."""
        return "" if question.get("symbol") else "the report names no symbol"

    def decide(self, crowd: Crowd, question: Mapping[str, Any], data: Data, now: datetime) -> Decided:
        """As `fomo2_signal` does."""
        return fomo2_signal(crowd, self.options)

    def without(self, reason: str, horizon_hours: int) -> Decided:
        """HOLD."""
        return no_signal(reason, horizon_hours)

    def verdict(self, decision: Fomo2Signal) -> str:
        """The signal."""
        return decision.signal


class PolymarketDeciderOptions(AgentOptions, PolymarketOptions):
    """Options of `polymarket_side`."""


class BetDecider(Decider):
    """Bets: YES, NO or SKIP."""

    kind = "polymarket_side"
    Decision = PolymarketSide
    Options = PolymarketDeciderOptions

    def decide(self, crowd: Crowd, question: Mapping[str, Any], data: Data, now: datetime) -> Decided:
        """As `polymarket_side` does, on the market as the bound source knows it."""
        found = next((answer.data for answer in data.values() if answer.data), None)
        market = market_of(found or question.get("market"))
        if market is None:
            return no_side("the market's prices are not known")
        return polymarket_side(crowd.distribution["YES"], market, now, self._within(question))

    def _within(self, question: Mapping[str, Any]) -> PolymarketOptions:
        """A bet may name a smaller bankroll than the options, never a larger one."""
        options: PolymarketOptions = self.options
        stated = question.get("bankroll_usd")
        smaller = isinstance(stated, int | float) and 0 < stated < options.bankroll_usd
        return options.model_copy(update={"bankroll_usd": float(stated)}) if smaller and stated else options

    def without(self, reason: str, horizon_hours: int) -> Decided:
        """SKIP."""
        return no_side(reason)

    def verdict(self, decision: PolymarketSide) -> str:
        """The side."""
        return decision.side


class OddsOddyDeciderOptions(AgentOptions, OddsOddyOptions):
    """Options of `oddsoddy_multiplier`."""


class StrategyDecider(Decider):
    """Strategies: how much of the trade, or a veto."""

    kind = "oddsoddy_multiplier"
    Decision = OddsOddyMultiplier
    Options = OddsOddyDeciderOptions

    def decide(self, crowd: Crowd, question: Mapping[str, Any], data: Data, now: datetime) -> Decided:
        """As `oddsoddy_multiplier` does."""
        trade: Outcome = "NO" if question.get("side") == "NO" else "YES"
        decision = oddsoddy_multiplier(crowd, trade, self.options)
        return decision, decision.reason

    def without(self, reason: str, horizon_hours: int) -> Decided:
        """The strategy's own size."""
        decision = no_multiplier(reason)
        return decision, decision.reason

    def verdict(self, decision: OddsOddyMultiplier) -> str:
        """VETO, or the multiplier."""
        return "VETO" if decision.gate else f"x{decision.multiplier:.2f}"

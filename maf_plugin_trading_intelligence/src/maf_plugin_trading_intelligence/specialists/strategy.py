"""The strategy specialist: the majority of the strategies' latest events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from maf_core import Abstention, AgentSignal, SourceResult, SpecialistAgent
from maf_core.agents.base import AgentOptions, State
from maf_plugin_trading_intelligence.specialists.leaning import lean, sureness
from maf_plugin_trading_intelligence.tolerant import number, text, word

_UP = frozenset({"BUY", "LONG", "BULLISH", "UP", "ENTER_LONG", "EXIT_SHORT"})
_DOWN = frozenset({"SELL", "SHORT", "BEARISH", "DOWN", "ENTER_SHORT", "EXIT_LONG"})


class StrategyOptions(AgentOptions):
    """`dead_band`: a balance no further from 0 than this is neutral."""

    dead_band: float = Field(0.2, ge=0, lt=1)


class StrategySpecialist(SpecialistAgent):
    """Reads {strategy, signal, confidence} events, newest last; each strategy's newest event is its vote.

    Score: the mean of direction * confidence, in [-1, 1]; an event without a confidence counts 1.
    """

    domain = "strategy"
    instructions = (
        "Weigh what the trading strategies say: how many agree, how sure they are, and how old their events are."
    )
    Options = StrategyOptions

    def routine(self, data: Mapping[str, SourceResult], state: State) -> AgentSignal | Abstention:
        """Follow the majority; abstain without events."""
        options: StrategyOptions = self.options
        events = [event for result in data.values() for event in result.data or ()]
        if not events:
            return Abstention(reason="no strategy events")
        latest = {text(event.get("strategy")): event for event in events}
        votes = [_direction(event) for event in latest.values()]
        score = sum(_weight(event) * vote for event, vote in zip(latest.values(), votes, strict=True)) / len(votes)
        direction = lean(score, options.dead_band)
        return AgentSignal(
            signal=direction,
            confidence=sureness(score, options.dead_band),
            summary=f"{direction.value.capitalize()}: {votes.count(1)} of {len(votes)} up, {votes.count(-1)} down.",
            key_factors=[f"{name or 'unnamed'}: {word(event.get('signal'))}" for name, event in latest.items()],
        )


def _direction(event: Mapping[str, Any]) -> int:
    signal = word(event.get("signal"))
    return (signal in _UP) - (signal in _DOWN)


def _weight(event: Mapping[str, Any]) -> float:
    confidence = event.get("confidence")
    return 1.0 if confidence is None else number(confidence, 0, 1)

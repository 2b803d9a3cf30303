"""A member of a debate: argues a side from what the panel said, hears the others, and gives in when they have more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from maf_core.agents import prompts
from maf_core.agents.answers import REASONING, TurnAnswer
from maf_core.agents.asking import ask, failed, spoken, succeeded, wants_model
from maf_core.agents.base import Agent, AgentOptions, State
from maf_core.agents.ensemble import ensemble
from maf_core.agents.signals import Direction
from maf_core.errors import ConfigError, LLMError
from maf_core.llm.base import Question

if TYPE_CHECKING:
    from maf_core.arenas.config import ArenaConfig
    from maf_core.arenas.run import RunContext

_SIDES = {"bull": Direction.BULLISH, "bear": Direction.BEARISH}


class DebaterOptions(AgentOptions):
    """`stance`: the side it argues; none: its own opinion. `brief`: what a model is told of its part.

    `concede_at`: by rule it gives in once the others are this many times as sure. `untrusted`: whether it argues from
    signals that rest on text that others wrote (`count`) or leaves those to the judge, where they may only `reduce`.
    """

    stance: Literal["bull", "bear"] | None = None
    brief: str = ""
    concede_at: float = Field(2.0, ge=1, allow_inf_nan=False)
    untrusted: Literal["reduce", "count"] = "reduce"


class DebaterAgent(Agent):
    """Takes a turn: a stance, how sure it is, and its argument. Without a model, or when that fails, by rule."""

    Options = DebaterOptions

    def check(self, arena: ArenaConfig) -> None:
        """It speaks in a debate and reads no sources: what is new there is the argument, not the data."""
        debates = [phase for phase in arena.phases if phase.pattern == "debate"]
        if not any(agent.name == self.name for phase in debates for agent in phase.agents):
            raise ConfigError(f"agent {self.name!r} is a debater; put it into a phase with `pattern: debate`")
        if self.config.sources:
            raise ConfigError(f"agent {self.name!r} is a debater and reads no sources; let a specialist read them")

    async def run(self, state: State, context: RunContext) -> State:
        """Give `turn`, or abstain when the panel said nothing to argue from."""
        signals = [signal for signal in spoken(state, context) if self._hears(signal)]
        if not signals:
            return _abstained(self.name, "the panel said nothing to argue from")
        heard = [turn for turn in turns_of(state, context.phase) if self._hears(turn)]
        by_rule = self._turn(*self._by_rule(signals, heard), signals)
        if not wants_model(self.config.model, context):
            return by_rule
        try:
            answer = await ask(self._question(signals, heard, state, context), context)
        except LLMError as error:
            return by_rule | failed(self.name, error)
        said = answer.value
        if said.abstain:
            return _abstained(self.name, f"the model abstains: {said.argument}") | succeeded(self.name)
        return self._turn(said.stance, said.confidence, said.argument, signals) | succeeded(self.name)

    def _hears(self, said: State) -> bool:
        return self.options.untrusted == "count" or not said.get("untrusted")

    def _by_rule(self, signals: list[State], heard: list[State]) -> tuple[Direction, float, str]:
        """Its side's evidence E = Σ c over the signals on its side, divided by their number.

        From its second turn on it hears the others: when the surest of them who stands against it is more than
        `concede_at` times as sure, it takes that stance, with the difference as its confidence.
        """
        side = _SIDES.get(self.options.stance) if self.options.stance else None
        if side is None:
            score = ensemble(signals, {}, 0.0).score
            return _direction(score), abs(score), f"The signals together score {score:+.2f}."
        mine = [signal for signal in signals if signal["signal"] == side]
        evidence = sum(signal["confidence"] for signal in mine) / len(signals)
        against = _surest_against(side, self.name, heard)
        if against and against["confidence"] > self.options.concede_at * evidence:
            left = against["confidence"] - evidence
            return Direction(against["stance"]), left, f"{against['agent']} has more on its side."
        named = "; ".join(f"{signal['agent']}: {signal['summary']}" for signal in mine)
        return side, evidence, f"{len(mine)} of {len(signals)} signals. {named}".strip()[:REASONING]

    def _turn(self, stance: Direction, confidence: float, argument: str, signals: list[State]) -> State:
        turn: dict[str, Any] = {"stance": stance.value, "confidence": round(confidence, 6), "argument": argument}
        if any(signal.get("untrusted") for signal in signals):
            turn["untrusted"] = True
        return {"turn": turn, "abstentions": {self.name: None}}

    def _question(
        self, signals: list[State], heard: list[State], state: State, context: RunContext
    ) -> Question[TurnAnswer]:
        side = f"You argue the {self.options.stance}'s side. " if self.options.stance else ""
        said = prompts.opening(context.request.target, context.as_of, state.get("iteration", 0))
        return Question(
            agent=self.name,
            instructions=prompts.instructions(prompts.DEBATER, brief=side + self.options.brief),
            prompt="\n\n".join([*said, *prompts.voices(signals, state.get("reports", {})), *prompts.turns(heard)]),
            output=TurnAnswer,
            model=self.config.model,
        )


def turns_of(state: State, phase: str) -> list[State]:
    """The turns of this phase's debate so far, oldest first."""
    turns: list[State] = state.get("debates", {}).get(phase, {}).get("turns", [])
    return turns


def _surest_against(side: Direction, me: str, heard: list[State]) -> State | None:
    """The surest of the others' latest turns that stands against `side`; None in one's own first turn."""
    if all(turn["agent"] != me for turn in heard):
        return None
    latest = {turn["agent"]: turn for turn in heard}
    against = [turn for turn in latest.values() if turn["agent"] != me and Direction(turn["stance"]).sign == -side.sign]
    return max(against, key=lambda turn: (turn["confidence"], turn["agent"]), default=None)


def _direction(score: float) -> Direction:
    if score == 0:
        return Direction.NEUTRAL
    return Direction.BULLISH if score > 0 else Direction.BEARISH


def _abstained(agent: str, reason: str) -> State:
    return {"abstentions": {agent: reason}}

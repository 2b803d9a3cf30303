"""Ends a debate with a verdict: like the synthesis, over the debaters' last turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maf_core.agents.answers import SUMMARY
from maf_core.agents.asking import spoken
from maf_core.agents.base import State
from maf_core.agents.debater import turns_of
from maf_core.agents.synthesis import Panel, SynthesisAgent
from maf_core.errors import ConfigError

if TYPE_CHECKING:
    from maf_core.arenas.config import ArenaConfig
    from maf_core.arenas.run import RunContext


class JudgeAgent(SynthesisAgent):
    """Score = Σ w·c·d / Σ w over the last turn of each debater, with its confidence c and its stance's direction d.

    With `untrusted: reduce`, signals that rest on text that others wrote are guests: debaters leave them out, and
    here they may only reduce the score.
    """

    def check(self, arena: ArenaConfig) -> None:
        """It needs a debate to judge."""
        if not any(phase.judge and phase.judge.name == self.name for phase in arena.phases):
            raise ConfigError(
                f"agent {self.name!r} is a judge; name it under `judge:` of a phase with `pattern: debate`"
            )

    def panel(self, state: State, context: RunContext) -> Panel:
        """Who is heard: the debaters, each by what it said last."""
        abstained = {agent for agent, why in state.get("abstentions", {}).items() if why}
        latest = {turn["agent"]: turn for turn in turns_of(state, context.phase) if turn["agent"] not in abstained}
        said = [_voice(turn) for _, turn in sorted(latest.items())]
        signals = spoken(state, context)
        guests = [s for s in signals if s.get("untrusted")] if said and self.options.untrusted == "reduce" else []
        arguments = {agent: turn["argument"] for agent, turn in latest.items()}
        return Panel(said, sorted(abstained & _debaters(context)), [*signals, *said], arguments, guests)


def _voice(turn: State) -> State:
    marked = {"untrusted": True} if turn.get("untrusted") else {}
    return {
        "agent": turn["agent"],
        "domain": "debate",
        "signal": turn["stance"],
        "confidence": turn["confidence"],
        "summary": turn["argument"][:SUMMARY],
        "key_factors": [],
        **marked,
    }


def _debaters(context: RunContext) -> set[str]:
    return {agent.name for phase in context.arena.phases if phase.name == context.phase for agent in phase.agents}

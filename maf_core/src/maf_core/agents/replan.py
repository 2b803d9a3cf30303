"""Sends a weak verdict back for another round when something it needed was missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from maf_core.agents.base import Agent, AgentOptions, State
from maf_core.errors import ConfigError

if TYPE_CHECKING:
    from maf_core.arenas.config import ArenaConfig
    from maf_core.arenas.run import RunContext


class ReplanOptions(AgentOptions):
    """`back_to`: the phase to repeat. `min_confidence`: a verdict at least this sure is left alone."""

    back_to: str
    min_confidence: float = Field(0.5, ge=0, le=1)


_DATA_GAPS = ("parse_fail", "no_", "stale_")


class ReplanAgent(Agent):
    """Loops back at most `max_iterations` times, and only for gaps that another look may cure.

    Those are `no_…`, `stale_…` and `parse_fail…` of required bindings, and those that agents left in `agent_gaps`.
    """

    Options = ReplanOptions

    def check(self, arena: ArenaConfig) -> None:
        """`back_to` must be a phase of the arena."""
        phases = [phase.name for phase in arena.phases]
        if self.options.back_to not in phases:
            raise ConfigError(
                f"agent {self.name!r} goes back to {self.options.back_to!r}; the phases are {', '.join(phases)}",
                at=("options", "back_to"),
            )

    async def run(self, state: State, context: RunContext) -> State:
        """Set `_next_phase` to repeat a phase; forget the gaps, so that the next round reports its own."""
        options: ReplanOptions = self.options
        gaps = _curable(state, context)
        round_number = state.get("iteration", 0)
        sure = _confidence(state) >= options.min_confidence
        if sure or not gaps or round_number >= context.arena.max_iterations:
            return {"replan": {"again": False, "gaps": gaps}}
        context.forget_answers()
        return {
            "replan": {"again": True, "gaps": gaps},
            "iteration": round_number + 1,
            "_next_phase": options.back_to,
        }


def _curable(state: State, context: RunContext) -> list[str]:
    agents: dict[str, list[str]] = state.get("agent_gaps", {})
    left = {marker for markers in agents.values() for marker in markers or ()}
    return sorted(marker for marker in {*context.required_gaps(), *left} if marker.startswith(_DATA_GAPS))


def _confidence(state: State) -> float:
    """How sure the verdict is without what text said: text must not cause another look, which may find more to do."""
    trusted: State = state.get("synthesis_trusted") or {}
    return float(trusted["confidence"] if trusted else state.get("synthesis_confidence", 0.0))

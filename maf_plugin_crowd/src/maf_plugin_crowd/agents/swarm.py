"""The role `crowd_swarm`: a simulation of many people, as one voter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import Field

from maf_core import Agent, BadEntryError
from maf_core.agents.base import AgentOptions, State
from maf_plugin_crowd.agents.state import voted
from maf_plugin_crowd.votes import vote_of

if TYPE_CHECKING:
    from maf_core import RunContext

# The model of a vote that begins like this is a simulation.
SWARM = "swarm:"
_HOURS = 24


class SwarmOptions(AgentOptions):
    """`weight`: what the simulation's vote weighs; it stands for many."""

    weight: float = Field(3.0, gt=0, allow_inf_nan=False)


class SwarmAgent(Agent):
    """Votes as the simulation of this report came out. Without one nobody was asked, and nothing is said."""

    Options = SwarmOptions

    async def run(self, state: State, context: RunContext) -> State:
        """The vote of the newest simulation that its sources know."""
        question = state["question"]
        answers = (await context.fetch_all(self.config.sources)).values() if not question["fault"] else ()
        sim = next((row for answer in answers if (row := _sim(answer.data))), None)
        if sim is None:
            return {}
        try:
            vote = vote_of(_said(sim, question["outcomes"]), self.name, f"{SWARM}mirofish", question["outcomes"])
        except BadEntryError as error:
            return voted([], {self.name: str(error)})
        return voted([replace(vote, weight=self.options.weight)], {})


def _sim(data: Any) -> Mapping[str, Any] | None:
    rows = data if isinstance(data, list) else [data]
    found = [row for row in rows if isinstance(row, Mapping) and row.get("status", "completed") == "completed"]
    return found[-1] if found else None


def _said(sim: Mapping[str, Any], outcomes: list[str]) -> dict[str, Any]:
    """A probability of a rise, or of YES, as a vote for the better half."""
    rise = sim.get("prob_up", sim.get("probability"))
    if isinstance(rise, bool) or not isinstance(rise, int | float):
        raise BadEntryError("the simulation has no probability")
    good, bad = outcomes[:2]
    return {
        "outcome": good if rise >= 0.5 else bad,
        "probability": max(rise, 1 - rise),
        "horizon_hours": sim.get("horizon_hours") or _HOURS,
        "drivers": sim.get("drivers"),
        "rationale": str(sim.get("summary") or "how simulated people reacted"),
    }

"""A specialist looks at its own sources and says where it thinks the target goes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from maf_core.agents.base import Agent, State
from maf_core.agents.signals import Abstention, AgentSignal
from maf_core.sources.base import SourceResult

if TYPE_CHECKING:
    from maf_core.arenas.run import RunContext


class SpecialistAgent(Agent):
    """Fetches its bound sources at once, then runs its routine.

    Subclasses set `domain` and implement `routine`, which computes a signal from the data with code alone.
    """

    domain: ClassVar[str] = ""

    async def run(self, state: State, context: RunContext) -> State:
        """Put the signal under `signals.<agent>`, or the abstention under `abstentions.<agent>`."""
        data = await context.fetch_all(self.config.sources)
        verdict = self.routine(data, state)
        if isinstance(verdict, Abstention):
            return {"abstentions": {self.name: verdict.reason}, "signals": {self.name: None}}
        context.emit("agent.signal", agent=self.name, signal=verdict.signal, confidence=verdict.confidence)
        return {
            "signals": {self.name: verdict.as_state(self.name, self.domain)},
            "abstentions": {self.name: None},
            "reports": {self.name: verdict.narrative} if verdict.narrative else {},
        }

    @abstractmethod
    def routine(self, data: Mapping[str, SourceResult], state: State) -> AgentSignal | Abstention:
        """Judge the data, by binding name. Deterministic; abstains when there is too little to go by."""

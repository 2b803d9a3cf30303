"""A specialist without code: what it looks at and how stands in the arena's YAML, and a model does the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from maf_core.agents.base import AgentOptions, State
from maf_core.agents.signals import Abstention, AgentSignal
from maf_core.agents.specialist import SpecialistAgent, has_data
from maf_core.errors import ConfigError
from maf_core.sources.base import SourceResult

if TYPE_CHECKING:
    from maf_core.arenas.config import AgentConfig, ArenaConfig


class AnalystOptions(AgentOptions):
    """`instructions`: what to look at and how to judge it. `domain`: what it is a specialist for."""

    instructions: str = Field(min_length=1)
    domain: str = ""


class AnalystAgent(SpecialistAgent):
    """Judges its bound sources as its instructions say. It needs a model; without one it abstains and says so."""

    Options = AnalystOptions
    model_alone = True

    def __init__(self, config: AgentConfig) -> None:
        super().__init__(config)
        self.domain = self.options.domain or self.name
        self.instructions = self.options.instructions

    def check(self, arena: ArenaConfig) -> None:
        """It needs a source: what a model remembers is of no known date."""
        if not self.config.sources:
            raise ConfigError(f"agent {self.name!r} has no sources; an analyst judges data, so give it at least one")

    def routine(self, data: Mapping[str, SourceResult], state: State) -> AgentSignal | Abstention:
        """There is none: it abstains, and says whether data or a model is missing."""
        if not has_data(data):
            return Abstention(reason="no data")
        return Abstention(reason="an analyst needs a model: set `model:` of the agent, the arena or the settings")

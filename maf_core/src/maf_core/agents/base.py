"""The base of every agent."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from maf_core.errors import ConfigError
from maf_core.settings import explain

if TYPE_CHECKING:
    from maf_core.arenas.config import AgentConfig, ArenaConfig
    from maf_core.arenas.run import RunContext

State = dict[str, Any]


class AgentOptions(BaseModel):
    """Base of a role's `options:` in YAML. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Agent(ABC):
    """One member of a panel, made anew for every run.

    `run` gets its own copy of the state and returns a patch: nested objects are merged key by key, anything else
    replaces what was there.
    """

    Options: ClassVar[type[AgentOptions]] = AgentOptions

    def __init__(self, config: AgentConfig) -> None:
        self.config = config
        try:
            self.options: Any = self.Options.model_validate(config.options)
        except ValidationError as error:
            raise ConfigError(f"options of agent {config.name!r}: {explain(error)}") from error

    @property
    def name(self) -> str:
        """The agent's name in its arena."""
        return self.config.name

    def check(self, arena: ArenaConfig) -> None:  # noqa: B027
        """Raise `ConfigError` when the agent does not fit the arena; by default it does.

        `at=("options", "threshold")` says which key of the agent's is wrong, so that its line is named.
        """

    @abstractmethod
    async def run(self, state: State, context: RunContext) -> State:
        """Look at the state, ask sources through `context`, and return what to change."""

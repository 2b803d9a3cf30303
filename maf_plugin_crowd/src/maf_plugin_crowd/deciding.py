"""What a decision kind is: the outcomes to vote on, and what follows from the crowd's word.

A role named `crowd_decision_<source_type>` decides about that type. Those of this plugin come through the same hook as
any other plugin's.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from maf_core import Agent, AgentSpec, EnvelopeModel
from maf_core.agents.base import State
from maf_core.errors import UnknownNameError
from maf_plugin_crowd.crowd import Crowd
from maf_plugin_crowd.votes import EVENT_OUTCOMES

if TYPE_CHECKING:
    from maf_core import RunContext, SourceResult
    from maf_core.plugins import PluginManager

ROLE = "crowd_decision_"
Decided = tuple[EnvelopeModel, str]
Data = Mapping[str, "SourceResult"]


class Decider(Agent):
    """One decision kind. Subclasses set `kind`, `outcomes` and `Decision`, and implement `decide` and `without`.

    `decide` gets the crowd, the question's facts, what the bound sources answered and the run's moment, and gives the
    decision and its reason in a sentence; `without` gives the one that does no harm, when there is no crowd.
    """

    kind: ClassVar[str]
    outcomes: ClassVar[tuple[Any, ...]] = EVENT_OUTCOMES
    Decision: ClassVar[type[EnvelopeModel]]

    @classmethod
    def fault(cls, question: Mapping[str, Any]) -> str:
        """Why nobody can vote on this question; empty when they can."""
        return ""

    @abstractmethod
    def decide(self, crowd: Crowd, question: Mapping[str, Any], data: Data, now: datetime) -> Decided:
        """What follows from the crowd's word."""

    @abstractmethod
    def without(self, reason: str, horizon_hours: int) -> Decided:
        """What follows when there is no crowd."""

    @abstractmethod
    def verdict(self, decision: Any) -> str:
        """The decision in a word, for those who read no envelope."""

    async def run(self, state: State, context: RunContext) -> State:
        """Deciders are asked by `crowd_decide`; as a panel member one has nothing to add."""
        return {}


def decider_of(plugins: PluginManager, source_type: str) -> type[Decider] | None:
    """Who decides about this type; None when nobody does."""
    try:
        found = plugins.get("maf_agents", AgentSpec, ROLE + source_type).load()
    except UnknownNameError:
        return None
    return found if isinstance(found, type) and issubclass(found, Decider) else None

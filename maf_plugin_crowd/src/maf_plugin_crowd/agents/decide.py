"""The role `crowd_decide`: counts the votes, and lets the question's kind decide."""

from __future__ import annotations

from dataclasses import replace
from math import fsum
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from maf_core import Agent
from maf_core.agents.base import AgentOptions, State
from maf_core.arenas.config import AgentConfig
from maf_plugin_crowd.agents.state import silent_in, votes_in
from maf_plugin_crowd.agents.swarm import SWARM
from maf_plugin_crowd.crowd import Crowd, crowd_of
from maf_plugin_crowd.deciding import Decider, decider_of
from maf_plugin_crowd.traders import RULES_ARE
from maf_plugin_crowd.votes import Vote

if TYPE_CHECKING:
    from maf_core import RunContext

_HOURS = 24


class DecideOptions(AgentOptions):
    """How votes count.

    `quorum`: the share of the panel's weight that must vote. `min_votes`: how many must. `weights`: by voter, in place
    of what it says of itself. `rules`: whether rule-based traders `count` beside models, or only as a `fallback` for
    none. `kinds`: options of each decision kind, by its name.
    """

    quorum: float = Field(0.3, ge=0, le=1)
    min_votes: int = Field(3, ge=1)
    weights: dict[str, float] = Field(default_factory=dict)
    rules: Literal["fallback", "count"] = "fallback"
    kinds: dict[str, dict[str, Any]] = Field(default_factory=dict)


class DecideAgent(Agent):
    """Leaves `prediction`, `decision` and `decision_kind` in the state, and the verdict that every arena ends with."""

    Options = DecideOptions

    async def run(self, state: State, context: RunContext) -> State:
        """Count and decide; without a crowd, take the decision that does no harm and say why."""
        question = state["question"]
        decider_kind = decider_of(context.app.plugins, question["source_type"])
        if decider_kind is None:
            return {}  # no verdict: the run fails, and says why
        decider = decider_kind(self._config_of(decider_kind))
        votes, silent = self._panel(state)
        asked = fsum(vote.weight for vote in votes) + fsum(self.options.weights.get(name, 1.0) for name in silent)
        crowd = crowd_of(votes, decider.outcomes, asked)
        fault = question["fault"] or self._short_of(crowd, votes)
        if crowd is None or fault:
            decision, reason = decider.without(fault, crowd.horizon_hours if crowd else _HOURS)
        else:
            data = await context.fetch_all(self.config.sources)
            decision, reason = decider.decide(crowd, question, data, context.as_of)
        return {
            "prediction": _prediction(question, crowd, votes, reason, decider),
            "decision": decision.model_dump(mode="json"),
            "decision_kind": decider.kind,
            "agent_signals": [_contribution(vote) for vote in votes],
            "synthesis_verdict": decider.verdict(decision),
            "synthesis_confidence": crowd.probability if crowd and not fault else 0.0,
            "synthesis_reasoning": reason,
            "llm_model": ", ".join(sorted({vote.model.partition(":")[0] for vote in votes})) or "none",
        }

    def _config_of(self, kind: type[Decider]) -> AgentConfig:
        return self.config.model_copy(update={"options": self.options.kinds.get(kind.kind, {})})

    def _panel(self, state: State) -> tuple[list[Vote], list[str]]:
        """The votes that count, with their weights, and who was asked and is silent.

        As a fallback the traders stand back as soon as any model was asked, whether it answered or not: a panel whose
        models fail must not turn into another panel without a word.
        """
        votes, silent = votes_in(state), list(silent_in(state))
        names = [*(vote.voter for vote in votes if not vote.model.startswith(SWARM)), *silent]
        if self.options.rules == "fallback" and any(not name.startswith(RULES_ARE) for name in names):
            votes = [vote for vote in votes if not vote.voter.startswith(RULES_ARE)]
            silent = [name for name in silent if not name.startswith(RULES_ARE)]
        weights = self.options.weights
        return [replace(vote, weight=weights.get(vote.voter, vote.weight)) for vote in votes], silent

    def _short_of(self, crowd: Crowd | None, votes: list[Vote]) -> str:
        if crowd is None:
            return "nobody voted"
        if len(votes) < self.options.min_votes:
            return f"{len(votes)} votes are fewer than {self.options.min_votes}"
        if crowd.coverage < self.options.quorum:
            return f"{crowd.coverage:.0%} of the panel voted, less than the quorum of {self.options.quorum:.0%}"
        return ""


def _prediction(
    question: State, crowd: Crowd | None, votes: list[Vote], reason: str, decider: Decider
) -> dict[str, Any]:
    """The prediction as it goes onto the wire; without a crowd, that every outcome is as probable as any other."""
    named = {"source_type": question["source_type"], "source_id": question["source_id"]}
    cast = [_model_vote(vote) for vote in votes]
    if crowd is None:
        even = {"outcome": decider.outcomes[-1], "probability": 1 / len(decider.outcomes), "horizon_hours": _HOURS}
        return {**even, "top_drivers": [reason], "dissent_pct": 0.0, **named, "model_votes": cast}
    return {
        "outcome": crowd.outcome,
        "probability": crowd.probability,
        "horizon_hours": crowd.horizon_hours,
        "top_drivers": list(crowd.drivers),
        "dissent_pct": crowd.dissent,
        **named,
        "model_votes": cast,
    }


def _model_vote(vote: Vote) -> dict[str, Any]:
    return {
        "model": vote.model,
        "outcome": vote.outcome,
        "probability": vote.probability,
        "weight": vote.weight,
        "rationale": vote.rationale,
    }


def _contribution(vote: Vote) -> dict[str, Any]:
    return {
        "agent": vote.voter,
        "signal": vote.outcome,
        "confidence": vote.probability,
        "summary": vote.rationale[:300],
    }

"""The role `crowd_question`: puts together what the crowd is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maf_core import Agent
from maf_core.agents.base import State
from maf_plugin_crowd.deciding import decider_of

if TYPE_CHECKING:
    from maf_core import RunContext


class QuestionAgent(Agent):
    """Leaves `question` in the state: the facts its sources know, the outcomes to choose from, and what is missing.

    A target that carries its own `text` needs no stream: a command can ask about anything.
    """

    async def run(self, state: State, context: RunContext) -> State:
        """Put the question; `fault` says why there is none."""
        target = context.request.target
        source_type, source_id = str(target.get("source_type", "")), str(target.get("source_id", ""))
        question: dict[str, Any] = {"source_type": source_type, "source_id": source_id, "fault": ""}
        decider = decider_of(context.app.plugins, source_type)
        if decider is None:
            return {"question": {**question, "outcomes": [], "fault": f"nobody decides about a {source_type!r}"}}
        answers = await context.fetch_all(self.config.sources)
        found = next((row for answer in answers.values() for row in answer.data or ()), None)
        facts = found or {key: value for key, value in target.items() if key != "trade_date"}
        asked = {**question, **facts, "outcomes": list(decider.outcomes)}
        if not str(asked.get("text", "")).strip():
            asked["fault"] = f"the {source_type} {source_id!r} is not known"
        elif decider.fault(asked):
            asked["fault"] = decider.fault(asked)
        return {"question": asked}

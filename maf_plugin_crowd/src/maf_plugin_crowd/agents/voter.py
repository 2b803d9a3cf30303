"""The role `crowd_voter`: one persona, one model, one blind vote."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, Field

from maf_core import Agent, BadEntryError
from maf_core.agents.asking import ask, wants_model
from maf_core.agents.base import AgentOptions, State
from maf_core.agents.quoting import QUOTED_IS_DATA, clean, quote, quote_json
from maf_core.agents.tools import source_tools
from maf_core.errors import LLMError
from maf_core.llm.base import Question
from maf_plugin_crowd.agents.state import voted
from maf_plugin_crowd.votes import Vote, vote_of

if TYPE_CHECKING:
    from maf_core import RunContext

_INSTRUCTIONS = """\
You are one voice of a crowd that is asked what will happen. {persona}
You vote on your own: nobody tells you what the others think. Judge as of the moment you are given; nothing later has
happened yet. Choose one of the outcomes and say how probable it is, from 0 to 1, within how many hours, and what drives
it. If you have nothing to go by, set abstain: a guess is worse than silence.
{quoted}"""


def _line(limit: int) -> AfterValidator:
    return AfterValidator(lambda text: " ".join(clean(text, limit).split()))


_SAID = ("text", "fault", "outcomes")


class Ballot(BaseModel):
    """Your vote, or abstain: true with the reason."""

    abstain: bool = Field(False, description="true when you have nothing to go by")
    reason: Annotated[str, _line(300)] = Field("", description="why you abstain; else empty")
    outcome: str = Field("", description="one of the outcomes you are given")
    probability: float | None = Field(None, description="how probable that outcome is, 0 to 1")
    horizon_hours: float | None = Field(None, description="within how many hours")
    drivers: list[Annotated[str, _line(120)]] = Field(default_factory=list, description="at most 5 short facts")
    rationale: Annotated[str, _line(600)] = Field("", description="one or two sentences")


class VoterOptions(AgentOptions):
    """`persona`: who is asked, in a sentence or two. `weight`: what its vote weighs."""

    persona: str = Field("You are a careful forecaster.", min_length=1)
    weight: float = Field(1.0, gt=0, allow_inf_nan=False)


class VoterAgent(Agent):
    """Asks its model once. A failure, rubbish or silence costs the vote, not the run."""

    Options = VoterOptions

    async def run(self, state: State, context: RunContext) -> State:
        """The vote; nothing at all where no model is configured: nobody was asked."""
        question = state["question"]
        if question["fault"] or not wants_model(self.config.model, context):
            return {}
        try:
            answer = await ask(self._question(question, context), context)
            return voted([self._vote(answer.value, answer.model, question)], {})
        except (LLMError, BadEntryError) as error:
            return voted([], {self.name: clean(str(error), 300)})

    def _vote(self, ballot: Ballot, model: str, question: State) -> Vote:
        if ballot.abstain:
            raise BadEntryError(f"it abstains: {ballot.reason or 'it gave no reason'}")
        vote = vote_of(ballot.model_dump(), self.name, model, question["outcomes"])
        return replace(vote, weight=self.options.weight)

    def _question(self, question: State, context: RunContext) -> Question[Ballot]:
        facts: dict[str, Any] = {key: question[key] for key in sorted(question) if key not in _SAID}
        prompt = [
            f"As of: {context.as_of.isoformat()}",
            f"Outcomes: {', '.join(question['outcomes'])}",
            quote(question["text"], f"the {question['source_type']}"),
            quote_json(facts, "what else is known of it"),
        ]
        return Question(
            agent=self.name,
            instructions=_INSTRUCTIONS.format(persona=self.options.persona, quoted=QUOTED_IS_DATA),
            prompt="\n\n".join(prompt),
            output=Ballot,
            model=self.config.model,
            tools=source_tools(self.config.sources, context),
        )

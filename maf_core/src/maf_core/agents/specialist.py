"""A specialist looks at its own sources and says where it thinks the target goes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from maf_core.agents import prompts
from maf_core.agents.answers import SignalAnswer
from maf_core.agents.asking import ask, failed, reads_text, succeeded, wants_model
from maf_core.agents.base import Agent, State
from maf_core.agents.quoting import quote_json
from maf_core.agents.signals import Abstention, AgentSignal
from maf_core.agents.tools import source_tools
from maf_core.errors import LLMError
from maf_core.llm.base import Question
from maf_core.sources.base import SourceResult

if TYPE_CHECKING:
    from maf_core.arenas.run import RunContext


class SpecialistAgent(Agent):
    """Fetches its bound sources at once, runs its routine, then asks its model, where it has one.

    Subclasses set `domain` and implement `routine`, which computes a signal from the data with code alone.
    `instructions` tell a model what to look at. `model_alone`: a model may judge data that the routine abstains from.
    """

    domain: str = ""
    instructions: str = ""
    model_alone: ClassVar[bool] = False

    async def run(self, state: State, context: RunContext) -> State:
        """Put the signal under `signals.<agent>`, or the abstention under `abstentions.<agent>`.

        The model's signal stands where it gave one, the routine's where the model could not be asked.
        """
        data = await context.fetch_all(self.config.sources)
        routine = self.routine(data, state)
        if not self._asks(data, routine, context):
            return self._patch(routine, context)
        try:
            answer = await ask(self._question(routine, state, context), context)
        except LLMError as error:
            # Text must not be able to cause another look, so a specialist that reads some leaves no marker for one.
            retry = not reads_text(self.config.sources, context)
            return self._patch(routine, context, {"model": None, "routine": None}) | failed(
                self.name, error, retry=retry
            )
        judgement = answer.value.judgement()
        more = {"model": answer.model, "routine": _differing(routine, judgement)}
        return self._patch(judgement, context, more) | succeeded(self.name)

    @abstractmethod
    def routine(self, data: Mapping[str, SourceResult], state: State) -> AgentSignal | Abstention:
        """Judge the data, by binding name. Deterministic; abstains when there is too little to go by."""

    def _asks(self, data: Mapping[str, SourceResult], routine: AgentSignal | Abstention, context: RunContext) -> bool:
        """Nobody is asked about nothing: neither without data nor, mostly, where the routine saw too little."""
        if not has_data(data) or (isinstance(routine, Abstention) and not self.model_alone):
            return False
        return wants_model(self.config.model, context)

    def _question(self, routine: AgentSignal | Abstention, state: State, context: RunContext) -> Question[SignalAnswer]:
        said = prompts.opening(context.request.target, context.as_of, state.get("iteration", 0))
        computed = routine.model_dump(mode="json", exclude={"narrative"})
        return Question(
            agent=self.name,
            instructions=prompts.instructions(
                prompts.SPECIALIST, domain=self.domain or "this target", role=self.instructions
            ),
            prompt="\n\n".join([*said, quote_json(computed, f"routine of {self.name}")]),
            output=SignalAnswer,
            model=self.config.model,
            tools=source_tools(self.config.sources, context),
        )

    def _patch(self, verdict: AgentSignal | Abstention, context: RunContext, asked: State | None = None) -> State:
        """`asked`: what else stands in the signal where there is a model; it replaces what the last round left."""
        if isinstance(verdict, Abstention):
            return {"abstentions": {self.name: verdict.reason}, "signals": {self.name: None}}
        context.emit("agent.signal", agent=self.name, signal=verdict.signal, confidence=verdict.confidence)
        marked = {"untrusted": True} if reads_text(self.config.sources, context) else {}
        return {
            "signals": {self.name: {**verdict.as_state(self.name, self.domain), **marked, **(asked or {})}},
            "abstentions": {self.name: None},
            "reports": {self.name: verdict.narrative} if verdict.narrative or asked else {},
        }


def has_data(data: Mapping[str, SourceResult]) -> bool:
    """Whether any source gave something; an empty list or text is nothing."""
    return any(answer.data not in (None, [], {}, "") for answer in data.values())


def _differing(routine: AgentSignal | Abstention, judgement: AgentSignal | Abstention) -> State | None:
    """What code alone said, where the model judged otherwise."""
    if isinstance(routine, Abstention):
        return {"abstained": routine.reason}
    said = _numbers(routine)
    return None if isinstance(judgement, AgentSignal) and said == _numbers(judgement) else said


def _numbers(signal: AgentSignal) -> State:
    return {"signal": signal.signal.value, "confidence": signal.confidence}

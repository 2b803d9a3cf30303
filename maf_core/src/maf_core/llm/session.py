"""What the agents of one run ask language models with."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog

from maf_core.errors import BudgetExceededError, LLMError, NoModelError, UnknownNameError
from maf_core.llm.base import Answer, ModelChoice, OutputT, Question, Recorder
from maf_core.llm.budget import Budget
from maf_core.llm.failures import CallError, call_error
from maf_core.llm.picker import RULES
from maf_core.llm.providers.needs import llm_packages
from maf_core.llm.usage import Usage

if TYPE_CHECKING:
    from maf_core.llm.call import Steps
    from maf_core.llm.service import LLMService

log = structlog.get_logger(__name__)


class LLMSession:
    """Asks models for one run, within its `budget`. What `recorder` has an answer to is not asked again."""

    def __init__(
        self, service: LLMService, model: str | None, budget: Budget, recorder: Recorder, emit: Callable[..., None]
    ) -> None:
        self.budget = budget
        self._service = service
        self._model = model or service.settings.model
        self._recorder = recorder
        self._emit = emit
        self._usage = Usage()

    def wants_model(self, agent_model: str | None) -> bool:
        """Whether an agent with this `model:` asks one at all; by default the arena's, then the settings' counts."""
        return (agent_model or self._model) != RULES

    def usage(self) -> dict[str, Any]:
        """What was asked so far, also in an earlier life of the run: plain JSON data."""
        return self._usage.as_json()

    async def ask(self, question: Question[OutputT]) -> Answer[OutputT]:
        """A model's answer, validated.

        Raises `NoModelError` when no model can be asked, `BudgetExceededError` when the call would cost more than is
        left, `BadAnswerError` when nothing fits; and `RedisError` when the server is away, for the run to be resumed.
        """
        with llm_packages():
            from maf_core.llm.call import Steps
        wanted = question.model or self._model
        try:
            return await self._first_answer(question, wanted, Steps(question.max_steps))
        except LLMError as error:
            self._emit("llm.error", agent=question.agent, model=wanted, error=str(error))
            raise

    async def _first_answer(self, question: Question[OutputT], wanted: str, steps: Steps) -> Answer[OutputT]:
        """Of the first candidate that gives one; one for which the budget does not suffice gives way to the cheaper."""
        queue = deque(await self._candidates(question, wanted))
        refusals: list[str] = []
        while queue:
            choice = queue.popleft()
            try:
                return Answer(await self._answer_of(choice, question, steps, last=not queue), str(choice))
            except BudgetExceededError as error:
                queue = await self._cheaper_than(choice, question)
                if not queue:
                    raise
                self._fall(question, choice, queue, error)
            except CallError as error:
                self._let_rest(choice, error)
                refusals.append(f"{choice}: {error}")
                self._fall(question, choice, queue, error)
        raise NoModelError(f"{question.agent} has no model to ask. {' '.join(refusals)}")

    async def _answer_of(
        self, choice: ModelChoice, question: Question[OutputT], steps: Steps, *, last: bool
    ) -> OutputT:
        from maf_core.llm import asking
        from maf_core.llm.call import AskedModel
        from maf_core.llm.flood import bounded

        try:
            provider = self._service.providers.get(choice.provider)
            model = bounded(provider.model(choice.name))
        except (LLMError, UnknownNameError) as error:
            raise call_error(error, ()) from error
        terms = self._service.terms(question.agent, choice, provider.secrets, self.budget, self._usage, self._emit)
        asked = AskedModel(model, terms, self._recorder, steps, last=last)
        return await asking.ask(question, asked, enforced=provider.enforces_schemas(choice.name))

    async def _candidates(self, question: Question[Any], wanted: str) -> list[ModelChoice]:
        """Whom to ask, best first; a resumed run asks the same."""

        async def pick() -> list[dict[str, str]]:
            try:
                found = await self._service.picker.candidates(wanted)
            except UnknownNameError as error:
                raise NoModelError(str(error)) from error
            return [{"provider": one.provider, "name": one.name, "reason": one.reason} for one in found]

        said = f"{question.instructions}\n{question.prompt}".encode(errors="replace")
        asked = {"agent": question.agent, "candidates": wanted, "question": hashlib.sha256(said).hexdigest()}
        return [ModelChoice(**one) for one in await self._recorder.answered("llm", asked, pick)]

    async def _cheaper_than(self, choice: ModelChoice, question: Question[Any]) -> deque[ModelChoice]:
        cheaper = self._service.settings.cheaper_model
        found = await self._candidates(question, cheaper) if cheaper else []
        return deque() if choice in found else deque(found)

    def _let_rest(self, choice: ModelChoice, error: CallError) -> None:
        if not error.recorded:
            self._service.picker.refused(choice, error.fault.sentence, error.fault.rest_s)

    def _fall(self, question: Question[Any], choice: ModelChoice, queue: deque[ModelChoice], why: Exception) -> None:
        """Make it seen that the next model is asked."""
        if not queue:
            return
        fall = {"agent": question.agent, "model": str(choice), "fallback_to": str(queue[0])}
        self._usage.fallbacks.append({**fall, "reason": str(why)})
        self._emit("llm.error", **fall, error=str(why))
        if self._service.first_time(fall["model"], fall["fallback_to"]):
            log.warning("llm_fell_back", **fall, reason=str(why))

"""One request of an agent to a model: answered from the record, else by the model, again and again if need be."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, cast

from pydantic_ai.models.wrapper import WrapperModel

from maf_core.errors import BadAnswerError
from maf_core.llm.attempt import Request, attempt
from maf_core.llm.failures import CallError
from maf_core.llm.faults import Fault
from maf_core.llm.ledger import USD
from maf_core.llm.requests import as_json, response_of

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ModelResponse
    from pydantic_ai.models import Model, ModelRequestParameters
    from pydantic_ai.settings import ModelSettings

    from maf_core.llm.attempt import Terms
    from maf_core.llm.base import Recorder


class Steps:
    """How often a question's models may be asked, all of them together."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.left = most

    def take(self) -> None:
        """Ask once more; raises `BadAnswerError` when that is too often."""
        if not self.left:
            raise BadAnswerError(f"No answer within {self.most} steps. Raise max_steps, or ask for less.")
        self.left -= 1


class AskedModel(WrapperModel):
    """A model that is asked on our terms. What pydantic-ai makes of its answers stays pydantic-ai's.

    `last`: there is no other model to turn to.
    """

    def __init__(self, wrapped: Model, terms: Terms, recorder: Recorder, steps: Steps, *, last: bool) -> None:
        super().__init__(wrapped)
        self._terms = terms
        self._recorder = recorder
        self._steps = steps
        self._last = last

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """The recorded answer, else the model's. Raises `CallError`, `BadAnswerError` and `BudgetExceededError`."""
        self._steps.take()
        request = self._request(messages, model_settings, model_request_parameters)
        fresh = False

        async def ask() -> dict[str, Any]:
            nonlocal fresh
            fresh = True
            return await self._until_answered(request)

        answer = await self._recorder.answered("llm", request.asked, ask)
        if "refused" in answer:
            raise CallError(Fault("next_model", answer["refused"], answer["rest_s"]), recorded=not fresh)
        self._note(answer, recorded=not fresh)
        return response_of(answer["response"])

    def _request(
        self, messages: list[ModelMessage], given: ModelSettings | None, parameters: ModelRequestParameters
    ) -> Request:
        settings = cast("ModelSettings", {**(self.wrapped.settings or {}), **(given or {})})
        asked = {
            "agent": self._terms.agent,
            "model": str(self._terms.choice),
            **as_json(messages, parameters, settings),
        }
        return Request(messages, settings, parameters, asked)

    def _note(self, answer: dict[str, Any], *, recorded: bool) -> None:
        terms, counts = self._terms, answer["counts"]
        if recorded:
            terms.usage.recorded += 1
            terms.usage.add(counts["tokens_in"], counts["tokens_out"], round((counts["usd"] or 0) * USD))
            counts = {**counts, "ms": 0}
        terms.usage.answered_by(str(terms.choice))
        terms.emit("llm.call", agent=terms.agent, model=str(terms.choice), recorded=recorded, **counts)

    async def _until_answered(self, request: Request) -> dict[str, Any]:
        """Ask again what may be asked again, for as long as one call may take."""
        tries, until = 0, 0.0
        while True:
            try:
                return await attempt(self.wrapped, request, self._terms)
            except CallError as error:
                tries += 1
                until = until or time.monotonic() + self._terms.settings.call_timeout_s
                pause = self._pause(error, tries, until)
                if pause is None:
                    return self._refusal(error)
                self._terms.emit(
                    "llm.error", agent=self._terms.agent, model=str(self._terms.choice), error=str(error), again=True
                )
            await asyncio.sleep(pause)

    def _pause(self, error: CallError, tries: int, until: float) -> float | None:
        pause = error.pause(tries)
        if pause is None or time.monotonic() + pause > until:
            return None
        if error.began:
            if not self._steps.left:
                return None
            self._steps.take()
        return pause

    def _refusal(self, error: CallError) -> dict[str, Any]:
        """Where there is another model to turn to, a refusal is an answer: a resumed run turns there without asking."""
        if self._last or error.cut:
            raise error
        return {"refused": error.fault.sentence, "rest_s": error.fault.rest_s}

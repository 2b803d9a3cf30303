"""One try at one request: its turn, its budget, its time and its length."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from pydantic_core import to_json

from maf_core.errors import BudgetExceededError
from maf_core.llm.failures import CallError, broken, call_error
from maf_core.llm.ledger import USD, Price, Want
from maf_core.llm.prices import price_of
from maf_core.llm.requests import most_tokens, response_as_json
from maf_core.llm.stream import Tally, answered, unfinished

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ModelResponse
    from pydantic_ai.models import Model, ModelRequestParameters
    from pydantic_ai.settings import ModelSettings

    from maf_core.llm.base import ModelChoice
    from maf_core.llm.budget import Budget, Spending
    from maf_core.llm.usage import Usage
    from maf_core.settings import LLMSettings
    from maf_core.telemetry.tracer import Tracer

# An answer shorter than this says nothing: with less left, the model is not asked.
_LEAST_TOKENS = 64
# A server may be silent before it begins for as long as the call may take, and then for this share of it.
_IDLE_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Terms:
    """Who asks which model, and at whose expense."""

    agent: str
    choice: ModelChoice
    budget: Budget
    usage: Usage
    emit: Callable[..., None]
    slot: asyncio.Semaphore
    tracer: Tracer
    settings: LLMSettings
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Request:
    """A request as it goes to the model, and as it is recorded (`asked`)."""

    messages: list[ModelMessage]
    settings: ModelSettings
    parameters: ModelRequestParameters
    asked: dict[str, Any]

    @cached_property
    def name(self) -> str:
        """The same for the same request, also in a later life of the run."""
        return hashlib.sha256(to_json(self.asked)).hexdigest()[:32]


async def attempt(model: Model, request: Request, terms: Terms) -> dict[str, Any]:
    """Ask the model once, when it is its turn and there is budget for it: `response` and `counts`, plain JSON.

    Raises `CallError` when it does not answer, and `BudgetExceededError`.
    """
    want, price = _wanted(model, request, terms)
    about = {"provider": terms.choice.provider, "model": terms.choice.name, "agent": terms.agent}
    async with terms.slot, terms.budget.calling(str(terms.choice), request.name, want, price) as spending:
        with terms.tracer.span(f"chat {terms.choice.name}", **about, max_tokens=spending.tokens_out) as span:
            try:
                response = await _answer(model, request, terms, spending)
            finally:
                terms.usage.add(spending.tokens_in, spending.tokens_out, spending.micro_usd)
            counts = {"tokens_in": spending.tokens_in, "tokens_out": spending.tokens_out}
            span.set(answered_by=response["model_name"], **counts)
        usd = None if price is None else spending.micro_usd / USD
        return {"response": response, "counts": {**counts, "usd": usd, "ms": spending.ms}}


def _wanted(model: Model, request: Request, terms: Terms) -> tuple[Want, Price | None]:
    settings = terms.settings
    tokens_in, most = most_tokens(request.asked, model, request.parameters), settings.max_output_tokens
    want = Want(tokens_in, most, min(most, _LEAST_TOKENS), ms=round(settings.call_timeout_s * 1000), least_ms=1)
    return want, price_of(terms.choice, model, settings, tokens_in, most)


async def _answer(model: Model, request: Request, terms: Terms, spending: Spending) -> dict[str, Any]:
    tally = Tally(spending.tokens_out)
    settings = _limited(model, request.settings, spending.tokens_out)
    seconds = spending.seconds or 0.0
    try:
        async with asyncio.timeout(seconds):
            response = await answered(
                model, request.messages, settings, request.parameters, tally, idle_s=seconds * _IDLE_SHARE
            )
        _count(response, tally, spending)
        return _dumped(response)
    except Exception as error:
        failure = call_error(error, terms.secrets)
        if not failure.began:
            spending.used(0, 0)
        _blame_budget(error, failure, terms.choice, spending)
        raise failure from error


def _blame_budget(error: Exception, failure: CallError, choice: ModelChoice, spending: Spending) -> None:
    """It is not the model's fault when the budget left it less than the settings allow."""
    if failure.cut and spending.short_of_tokens:
        left, limit = f"{spending.tokens_out} tokens for an answer", "tokens or usd"
    elif isinstance(error, TimeoutError) and spending.short_of_time:
        left, limit = f"{spending.seconds:g} s for a call", "seconds"
    else:
        return
    raise BudgetExceededError(f"The budget left {left}, and {choice} took more. Raise its limit of {limit}.") from error


def _count(response: ModelResponse, tally: Tally, spending: Spending) -> None:
    """As the server reports it: that is what is billed. Where it does not, more than it can have been."""
    usage = response.usage
    counted = spending.tokens_out if unfinished(response) else tally.at_most
    spending.used(usage.input_tokens or spending.tokens_in, usage.output_tokens or counted)


def _dumped(response: ModelResponse) -> dict[str, Any]:
    problem = unfinished(response)
    if problem is not None:
        raise problem
    try:
        return response_as_json(response)
    except ValueError as error:
        raise broken("The answer is not Unicode.") from error


def _limited(model: Model, settings: ModelSettings, tokens: int) -> ModelSettings:
    """The most that is to be answered, under the name that the server reads; the SDK's own retries are off."""
    limited: dict[str, Any] = {**settings, "max_retries": 0}
    tokens = min(tokens, limited.pop("max_tokens", tokens))
    if _reads_max_tokens_only(model):
        limited["extra_body"] = {**(limited.get("extra_body") or {}), "max_tokens": tokens}
    else:
        limited["max_tokens"] = tokens
    return cast("ModelSettings", limited)


def _reads_max_tokens_only(model: Model) -> bool:
    """pydantic-ai says `max_completion_tokens`, as OpenAI does; others who speak like it ignore that, Ollama too."""
    openai = sys.modules.get("pydantic_ai.models.openai")
    if openai is None or not isinstance(model, openai.OpenAIChatModel):
        return False
    return not (model.base_url or "").startswith(("https://api.openai.com", "https://eu.api.openai.com"))

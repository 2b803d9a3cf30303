"""One tiny question, asked as agents ask: does the model answer, in the shape that was asked for?"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from maf_core.errors import LLMError
from maf_core.llm.base import LLMProvider, ModelChoice
from maf_core.llm.faults import classify
from maf_core.llm.providers.needs import llm_packages

if TYPE_CHECKING:
    from maf_core.settings import LLMSettings

_QUESTION = "A share costs 40 and pays a dividend of 2 a year. What is its dividend yield, in percent?"


class Yield(BaseModel):
    """The answer to the question of a check."""

    percent: float


@dataclass(frozen=True, slots=True)
class Checked:
    """How it went. `how`: what carried the answer."""

    model: str
    answer: float
    how: str
    tokens_in: int
    tokens_out: int
    seconds: float

    def __str__(self) -> str:
        tokens = f"{self.tokens_in} tokens in, {self.tokens_out} out"
        return f"{self.model} answered {self.answer:g} by {self.how} in {self.seconds:.1f} s ({tokens})"


async def check_model(provider: LLMProvider, choice: ModelChoice, settings: LLMSettings) -> Checked:
    """Ask the model; raises `LLMError` with a sentence that says what to do."""
    with llm_packages():
        from pydantic_ai import Agent, NativeOutput
        from pydantic_ai.settings import ModelSettings
    enforced = provider.enforces_schemas(choice.name)
    output: Any = NativeOutput(Yield) if enforced else Yield
    limits = ModelSettings(max_tokens=settings.max_output_tokens, timeout=settings.call_timeout_s, max_retries=0)
    started = time.perf_counter()
    try:
        agent = Agent(provider.model(choice.name), output_type=output)
        result = await agent.run(_QUESTION, model_settings=limits)
    except Exception as error:
        sentence = str(error) if isinstance(error, LLMError) else classify(error, provider.secrets).sentence
        raise LLMError(f"{choice} did not answer. {sentence}") from error
    usage, seconds = result.usage, round(time.perf_counter() - started, 3)
    how = "schema" if enforced else "tool call"
    return Checked(str(choice), result.output.percent, how, usage.input_tokens, usage.output_tokens, seconds)

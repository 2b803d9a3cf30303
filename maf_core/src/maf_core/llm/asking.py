"""One question to one model: pydantic-ai goes between the model and the tools until there is an answer that fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pydantic_ai
from pydantic_ai import Agent, NativeOutput, ToolOutput, UsageLimits
from pydantic_ai.exceptions import UnexpectedModelBehavior, UsageLimitExceeded

from maf_core.errors import BadAnswerError
from maf_core.llm.failures import CallError
from maf_core.llm.faults import without_secrets
from maf_core.llm.toolbox import Toolbox, sendable

if TYPE_CHECKING:
    from maf_core.llm.base import OutputT, Question
    from maf_core.llm.call import AskedModel

pydantic_ai.BANNER_ENABLED = False
# How often in a row an answer that does not fit is sent back with what is wrong about it.
_RETRIES = 2
_CALLS_PER_STEP = 8


async def ask(question: Question[OutputT], model: AskedModel, *, enforced: bool) -> OutputT:
    """The model's answer, validated. `enforced`: the server makes it fit the schema.

    Raises `BadAnswerError`, and what `AskedModel` raises.
    """
    # A grammar that enforces a schema leaves no room for calls of tools.
    native = enforced and not question.tools
    output: Any = NativeOutput(question.output) if native else ToolOutput(question.output)
    agent: Agent[None, OutputT] = Agent(
        model,
        output_type=output,
        instructions=sendable(question.instructions),
        tools=Toolbox(question.tools).tools(),
        retries={"tools": _RETRIES, "output": _RETRIES},
        end_strategy="early",
        name=question.agent,
    )
    # AskedModel counts the steps: pydantic-ai would not see what is asked again below it.
    limits = UsageLimits(request_limit=None, tool_calls_limit=_CALLS_PER_STEP * question.max_steps)
    try:
        answer = await agent.run(sendable(question.prompt), usage_limits=limits)
    except CallError as error:
        if error.cut:
            fix = "Raise llm.max_output_tokens, or ask for less."
            raise BadAnswerError(f"{error} {fix}") from error
        raise
    except (UnexpectedModelBehavior, UsageLimitExceeded) as error:
        raise BadAnswerError(f"The model's answers do not fit what was asked for: {_why(error)}") from error
    return answer.output


def _why(error: Exception) -> str:
    cause = error.__cause__
    return without_secrets(f"{error}{f' ({cause})' if cause else ''}")

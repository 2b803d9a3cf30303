"""Read one answer as it comes, and hang up on one that does not end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pydantic_ai.messages import (
    ModelResponse,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ThinkingPartDelta,
    ToolCallPart,
    ToolCallPartDelta,
)
from pydantic_ai.models import Model
from pydantic_ai.models.function import FunctionModel

from maf_core.llm.failures import CallError, broken, too_long

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage
    from pydantic_ai.models import ModelRequestParameters
    from pydantic_ai.settings import ModelSettings

_BYTES_PER_TOKEN = 4


class Tally:
    """Counts an answer from outside. `most`: the tokens that it may have."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._pieces = 0
        self._bytes = 0

    @property
    def tokens(self) -> int:
        """About how many there were so far: one for each piece or each four bytes, whichever is more."""
        return max(self._pieces, -(-self._bytes // _BYTES_PER_TOKEN))

    @property
    def at_most(self) -> int:
        """More than there can have been: no token is shorter than a byte, and the server was told when to stop."""
        return min(self._bytes, self.most)

    def add(self, event: Any) -> None:
        """Count what an event of the stream brings."""
        text = _text(event)
        if text:
            self._pieces += 1
            self._bytes += len(text.encode(errors="replace"))


async def answered(
    model: Model,
    messages: list[ModelMessage],
    settings: ModelSettings,
    parameters: ModelRequestParameters,
    tally: Tally,
    *,
    idle_s: float,
) -> ModelResponse:
    """Ask, and read the answer as far as it comes: see `unfinished`.

    The connection is closed at once when more tokens come than `tally.most`, or nothing for `idle_s` seconds: that is a
    `CallError`. Whatever else the model's client raises goes through.
    """
    if _streams(model):
        return await _streamed(model, messages, settings, parameters, tally, idle_s)
    response = await model.request(messages, settings, parameters)
    for index, part in enumerate(response.parts):
        tally.add(PartStartEvent(index=index, part=part))
    return response


def unfinished(response: ModelResponse) -> CallError | None:
    """What is wrong with an answer that has no end. A stream that just stops looks complete to its client."""
    if response.finish_reason == "length":
        return too_long("The answer is longer than it may be.")
    ended = response.usage.unmeasured_requests == 0 or "finish_reason" in (response.provider_details or {})
    return None if response.state == "complete" and ended else broken("The answer broke off.")


async def _streamed(
    model: Model,
    messages: list[ModelMessage],
    settings: ModelSettings,
    parameters: ModelRequestParameters,
    tally: Tally,
    idle_s: float,
) -> ModelResponse:
    now = asyncio.get_running_loop().time
    try:
        async with asyncio.timeout(None) as idle, model.request_stream(messages, settings, parameters) as stream:
            async for event in stream:
                idle.reschedule(now() + idle_s)
                tally.add(event)
                if tally.tokens > tally.most:
                    raise too_long(f"The answer is longer than {tally.most} tokens.")
            return stream.get()
    except TimeoutError:
        if idle.expired():
            raise broken(f"The answer stopped for {idle_s:g} s.") from None
        raise


def _streams(model: Model) -> bool:
    """A function of pydantic-ai's, as tests use it, may be unable to; every other model can, or says so."""
    if isinstance(model, FunctionModel):
        return model.stream_function is not None
    return type(model).request_stream is not Model.request_stream


def _text(event: Any) -> str:
    match event:
        case PartStartEvent(part=TextPart() | ThinkingPart() as part):
            return part.content
        case PartStartEvent(part=ToolCallPart() as part):
            return part.tool_name + part.args_as_json_str()
        case PartDeltaEvent(delta=TextPartDelta() | ThinkingPartDelta() as delta):
            return delta.content_delta or ""
        case PartDeltaEvent(delta=ToolCallPartDelta() as delta):
            return f"{delta.tool_name_delta or ''}{delta.args_delta or ''}"
    return ""

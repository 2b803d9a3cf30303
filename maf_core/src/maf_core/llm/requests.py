"""A request to a model as plain JSON: by it an answer is recorded and found again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic_ai.messages import ModelMessagesTypeAdapter, ModelResponse
from pydantic_core import to_json

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage
    from pydantic_ai.models import Model, ModelRequestParameters
    from pydantic_ai.settings import ModelSettings

# What a part of a message says. The rest is when, by whom and under which random id: different in each life of a run.
_SAID = ("part_kind", "content", "tool_name", "args", "outcome")
# Settings that change what is answered. Headers may carry secrets, timeouts and limits change nothing.
_SHAPING = (
    "temperature",
    "top_p",
    "top_k",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "stop_sequences",
    "thinking",
    "openai_reasoning_effort",
)
# Per message and per request: what a server's template puts around what we send, in tokens.
_AROUND_MESSAGE = 32
_AROUND_REQUEST = 256


def as_json(
    messages: list[ModelMessage], parameters: ModelRequestParameters, settings: ModelSettings | Mapping[str, Any] | None
) -> dict[str, Any]:
    """What is asked: messages, tools, the form of the answer and the settings that shape it."""
    calls: dict[str, str] = {}
    tools = [*parameters.function_tools, *parameters.output_tools]
    form = parameters.output_object
    return {
        "messages": [_message(one, calls) for one in ModelMessagesTypeAdapter.dump_python(messages, mode="json")],
        "tools": [[tool.name, tool.description, tool.parameters_json_schema] for tool in tools],
        "output": form.json_schema if form else None,
        "settings": {name: value for name, value in (settings or {}).items() if name in _SHAPING},
    }


def most_tokens(asked: Mapping[str, Any], model: Model, parameters: ModelRequestParameters) -> int:
    """More tokens than the request can have: no token is shorter than a byte."""
    fitted = model.customize_request_parameters(parameters)  # a schema may be written out longer for a model
    tools = [tool.parameters_json_schema for tool in (*fitted.function_tools, *fitted.output_tools)]
    around = _AROUND_REQUEST + _AROUND_MESSAGE * (len(asked["messages"]) + len(tools))
    return len(to_json(asked)) + max(0, len(to_json(tools)) - len(to_json(asked["tools"]))) + around


def response_as_json(response: ModelResponse) -> dict[str, Any]:
    """A response as plain JSON. Raises `ValueError` for text that is no Unicode."""
    dumped: dict[str, Any] = ModelMessagesTypeAdapter.dump_python([response], mode="json")[0]
    to_json(dumped)
    return dumped


def response_of(dumped: Mapping[str, Any]) -> ModelResponse:
    """The response that `response_as_json` was given."""
    message = ModelMessagesTypeAdapter.validate_python([dumped])[0]
    if not isinstance(message, ModelResponse):
        raise TypeError(f"a recorded answer is a response, not a {message.kind}")
    return message


def _message(dumped: Mapping[str, Any], calls: dict[str, str]) -> dict[str, Any]:
    parts = [_part(part, calls) for part in dumped["parts"]]
    instructions = dumped.get("instructions")
    return {"kind": dumped["kind"], "parts": parts, **({"instructions": instructions} if instructions else {})}


def _part(part: Mapping[str, Any], calls: dict[str, str]) -> dict[str, Any]:
    said = {name: part[name] for name in _SAID if part.get(name) is not None}
    call = part.get("tool_call_id")
    if call is not None:
        said["call"] = calls.setdefault(call, f"call {len(calls) + 1}")
    return said

"""A question in either of Ollama's two dialects, read into one form."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Api = Literal["native", "v1"]

_EFFORTS = ("high", "medium", "low", "max", "none")
# What Ollama uses when a request does not say.
_NATIVE_DEFAULTS = {"temperature": 0.8, "top_p": 0.9, "top_k": 40}
_V1_DEFAULTS = {"temperature": 1.0, "top_p": 1.0}
_V1_OPTIONS = ("seed", "stop", "temperature", "top_p", "frequency_penalty", "presence_penalty")


class BadRequestError(Exception):
    """The request cannot be answered; the text is Ollama's own."""


@dataclass(frozen=True, slots=True)
class Chat:
    """What was asked.

    `number` counts the questions to this model, from 1. `limit`: most tokens of the answer (`num_predict`,
    `max_tokens`); None without one. `schema`: what the answer shall fit; `json_only`: it shall be JSON. `options`: as
    Ollama would use them, defaults included. `body`: the request as it came.
    """

    api: Api
    model: str
    messages: Sequence[Mapping[str, Any]]
    body: Mapping[str, Any]
    number: int = 1
    stream: bool = False
    tools: Sequence[Mapping[str, Any]] = ()
    schema: Mapping[str, Any] | None = None
    json_only: bool = False
    limit: int | None = None
    think: bool | str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    include_usage: bool = False

    @property
    def system(self) -> str:
        """The instructions."""
        return self._said_by("system")

    @property
    def prompt(self) -> str:
        """What the user said."""
        return self._said_by("user")

    @property
    def text(self) -> str:
        """Everything that was said so far."""
        return "\n".join(_text(message) for message in self.messages)

    @property
    def results(self) -> list[str]:
        """What tools have returned so far."""
        return [_text(message) for message in self.messages if message.get("role") == "tool"]

    @property
    def answer_tool(self) -> str | None:
        """The tool that takes the final answer, if the client offers one."""
        return next((name for name in self.tool_names if name.startswith("final_result")), None)

    @property
    def tool_names(self) -> list[str]:
        """The tools on offer."""
        return [tool["function"]["name"] for tool in self.tools]

    def parameters(self, tool: str) -> Mapping[str, Any]:
        """The JSON schema of a tool's arguments."""
        found = next(one["function"] for one in self.tools if one["function"]["name"] == tool)
        return found.get("parameters") or {"type": "object", "properties": {}}

    @property
    def digest(self) -> str:
        """SHA-256 of the request: the same for the same question."""
        return hashlib.sha256(json.dumps(self.body, sort_keys=True).encode()).hexdigest()

    def _said_by(self, role: str) -> str:
        return "\n".join(_text(message) for message in self.messages if message.get("role") == role)


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text", "")) for part in content)


def read_native(body: Mapping[str, Any]) -> Chat:
    """A request to `/api/chat`; it streams unless told otherwise."""
    form = body.get("format") or None
    options = {**_NATIVE_DEFAULTS, **body.get("options", {})}
    return Chat(
        "native",
        _model(body),
        body.get("messages") or [],
        body,
        stream=body.get("stream", True),
        tools=body.get("tools") or (),
        schema=form if isinstance(form, dict) else None,
        json_only=form == "json",
        limit=_limit(options.get("num_predict")),
        think=body.get("think"),
        options=options,
    )


def read_v1(body: Mapping[str, Any]) -> Chat:
    """A request to `/v1/chat/completions`. What Ollama does not parse is not looked at."""
    messages = body.get("messages") or []
    if not messages:
        raise BadRequestError("[] is too short - 'messages'")
    for message in messages:
        _check(message)
    form = body.get("response_format") or {}
    given = {name: body[name] for name in _V1_OPTIONS if body.get(name) is not None}
    return Chat(
        "v1",
        _model(body),
        messages,
        body,
        stream=bool(body.get("stream")),
        tools=body.get("tools") or (),
        schema=(form.get("json_schema") or {}).get("schema") if form.get("type") == "json_schema" else None,
        json_only=form.get("type") == "json_object",
        limit=_limit(body.get("max_tokens")),
        think=_effort(body),
        options={**_V1_DEFAULTS, **given},
        include_usage=bool((body.get("stream_options") or {}).get("include_usage")),
    )


def _model(body: Mapping[str, Any]) -> str:
    if not body.get("model"):
        raise BadRequestError("model is required")
    return str(body["model"])


def _limit(given: Any) -> int | None:
    """-1 means as many as it likes."""
    return int(given) if given is not None and int(given) >= 0 else None


def _check(message: Mapping[str, Any]) -> None:
    calls = message.get("tool_calls")
    if message.get("content") is None and calls is None:
        raise BadRequestError("invalid message content type: <nil>")
    for call in calls or ():
        try:
            json.loads(call["function"]["arguments"])
        except (TypeError, ValueError) as error:
            raise BadRequestError("invalid tool call arguments") from error


def _effort(body: Mapping[str, Any]) -> bool | str | None:
    effort = (body.get("reasoning") or {}).get("effort") or body.get("reasoning_effort")
    if effort and effort not in _EFFORTS:
        allowed = ", ".join(f'"{one}"' for one in _EFFORTS[:-1])
        raise BadRequestError(f"invalid reasoning value: '{effort}' (must be {allowed}, or \"none\")")
    return False if effort == "none" else effort

"""A reply as it goes out: cut to the limit, counted, and in pieces; and the two shapes in which it is written."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from maf_core.testing.ollama.chat import Chat
from maf_core.testing.ollama.script import Reply, ToolCall

_CHARACTERS_A_TOKEN = 4
_PIECE = 12


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said in the end. `done_reason`: "stop", "length" when the limit cut it short, or "load"."""

    model: str
    text: str
    thinking: str
    tool_calls: Sequence[tuple[str, ToolCall]]
    tokens_in: int | None
    tokens_out: int | None
    done_reason: str = "stop"


def tokens(text: str) -> int:
    """About as many as a tokenizer would make of it."""
    return -(-len(text) // _CHARACTERS_A_TOKEN)


def answer(reply: Reply, chat: Chat, model: str) -> Answer:
    """Cut the reply to the limit of the question, as Ollama does: thinking counts first, a cut tool call is lost."""
    thinking, text, calls = reply.thinking or "", reply.text or "", list(reply.tool_calls)
    left = chat.limit if chat.limit is not None else 1_000_000
    kept_thinking, left = _cut(thinking, left)
    kept_text, left = _cut(text, left)
    called = "".join(json.dumps(dict(call.arguments)) for call in calls)
    short = (kept_thinking, kept_text) != (thinking, text) or tokens(called) > left
    made = tokens(kept_thinking) + tokens(kept_text) + min(tokens(called), left)
    asked = tokens(json.dumps(list(chat.messages)) + json.dumps(list(chat.tools)))
    return Answer(
        model,
        kept_text,
        kept_thinking,
        [] if short else [(f"call_{uuid4().hex[:8]}", call) for call in calls],
        _counted(reply, reply.tokens_in, asked),
        _counted(reply, reply.tokens_out, made),
        "length" if short else "stop",
    )


def _cut(text: str, left: int) -> tuple[str, int]:
    return text[: left * _CHARACTERS_A_TOKEN], max(0, left - tokens(text))


def _counted(reply: Reply, said: int | None, estimate: int) -> int | None:
    if reply.usage == "absent":
        return None
    if reply.usage == "zero":
        return 0
    return estimate if said is None else said


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, len(text), _PIECE):
        yield text[start : start + _PIECE]


def _deltas(said: Answer) -> Iterator[tuple[str, Any]]:
    """What a stream carries, in order: thinking, text, then all tool calls at once."""
    for part in _pieces(said.thinking):
        yield "thinking", part
    for part in _pieces(said.text):
        yield "content", part
    if said.tool_calls:
        yield "tool_calls", said.tool_calls


# --- /api/chat ---------------------------------------------------------------------------------------


def native(said: Answer) -> dict[str, Any]:
    """A whole answer of `/api/chat`. Durations are nanoseconds."""
    message: dict[str, Any] = {"role": "assistant", "content": said.text}
    if said.thinking:
        message["thinking"] = said.thinking
    if said.tool_calls:
        message["tool_calls"] = _native_calls(said.tool_calls)
    return {**_native_head(said), "message": message, **_metrics(said)}


def native_stream(said: Answer) -> Iterator[bytes]:
    """The same, a line of JSON at a time."""
    for name, value in _deltas(said):
        message: dict[str, Any] = {"role": "assistant", "content": ""}
        message[name] = _native_calls(value) if name == "tool_calls" else value
        yield line({**_native_head(said), "message": message, "done": False})
    yield line({**_native_head(said), "message": {"role": "assistant", "content": ""}, **_metrics(said)})


def line(data: Mapping[str, Any]) -> bytes:
    """One line of a native stream."""
    return json.dumps(data).encode() + b"\n"


def _native_head(said: Answer) -> dict[str, Any]:
    return {"model": said.model, "created_at": datetime.now(UTC).isoformat().replace("+00:00", "Z")}


def _native_calls(calls: Sequence[tuple[str, ToolCall]]) -> list[dict[str, Any]]:
    return [
        {"id": name, "function": {"index": index, "name": call.name, "arguments": dict(call.arguments)}}
        for index, (name, call) in enumerate(calls)
    ]


def _metrics(said: Answer) -> dict[str, Any]:
    counts = {
        "prompt_eval_count": said.tokens_in,
        "prompt_eval_duration": 98_765_432,
        "eval_count": said.tokens_out,
        "eval_duration": 765_432_100,
    }
    metrics = {} if said.tokens_out is None else counts
    times = {"total_duration": 1_234_567_890, "load_duration": 12_345_678}
    return {"done": True, "done_reason": said.done_reason, **times, **metrics}


# --- /v1/chat/completions ----------------------------------------------------------------------------


def v1(said: Answer) -> dict[str, Any]:
    """A whole answer of `/v1/chat/completions`."""
    message: dict[str, Any] = {"role": "assistant", "content": said.text}
    if said.thinking:
        message["reasoning"] = said.thinking
    if said.tool_calls:
        message["tool_calls"] = _v1_calls(said.tool_calls)
    choice = {"index": 0, "message": message, "finish_reason": _finish(said)}
    return {**_v1_head(said, "chat.completion"), "choices": [choice], **_usage(said)}


def v1_stream(said: Answer, *, include_usage: bool) -> Iterator[bytes]:
    """The same as server-sent events, and the counts at the end if they are wanted."""
    head = _v1_head(said, "chat.completion.chunk")
    for name, value in _deltas(said):
        delta: dict[str, Any] = {"role": "assistant", "content": ""}
        delta["reasoning" if name == "thinking" else name] = _v1_calls(value) if name == "tool_calls" else value
        yield event({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    last = {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": _finish(said)}
    yield event({**head, "choices": [last]})
    if include_usage:
        yield event({**head, "choices": [], **_usage(said)})
    yield b"data: [DONE]\n\n"


def v1_broken(said: Answer) -> bytes:
    """What /v1 makes of an error in mid-stream: an empty piece, for it reads the error as if it were a piece."""
    head = {**_v1_head(said, "chat.completion.chunk"), "model": ""}
    choice = {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}
    return event({**head, "choices": [choice]})


def event(data: Mapping[str, Any]) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def _v1_head(said: Answer, kind: str) -> dict[str, Any]:
    number = int(time.time() * 1000) % 999
    return {
        "id": f"chatcmpl-{number}",
        "object": kind,
        "created": int(time.time()),
        "model": said.model,
        "system_fingerprint": "fp_ollama",
    }


def _v1_calls(calls: Sequence[tuple[str, ToolCall]]) -> list[dict[str, Any]]:
    return [
        {
            "id": name,
            "index": index,
            "type": "function",
            "function": {"name": call.name, "arguments": json.dumps(dict(call.arguments))},
        }
        for index, (name, call) in enumerate(calls)
    ]


def _finish(said: Answer) -> str:
    return "tool_calls" if said.tool_calls else said.done_reason


def _usage(said: Answer) -> dict[str, Any]:
    if said.tokens_in is None or said.tokens_out is None:
        return {}
    total = said.tokens_in + said.tokens_out
    return {"usage": {"prompt_tokens": said.tokens_in, "completion_tokens": said.tokens_out, "total_tokens": total}}

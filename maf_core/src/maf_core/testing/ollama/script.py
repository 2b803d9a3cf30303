"""What the stand-in answers: replies, faults, and the rules by which a test chooses between them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import uuid4

from maf_core.testing.ollama.chat import Chat
from maf_core.testing.ollama.sample import sample


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model asks for."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model says, and what goes wrong while it says it.

    Without text and tool calls it says what it would by default: something that fits what was asked.
    `tokens_in`, `tokens_out`: what is counted; by default about four characters a token. `usage`: "zero" counts
    nothing, "absent" leaves the counts out. `delay_s` passes before the first byte, `pause_s` before each piece of a
    stream. `cut_after`: the connection breaks after so many pieces of a stream, or in the middle of a whole answer.
    `error_after`: Ollama gives up after so many pieces of a stream, which it can only say under status 200.
    `malformed`: the JSON is broken. `endless`: a stream goes on until the client leaves, a whole answer never comes.
    """

    text: str | None = None
    tool_calls: Sequence[ToolCall] = ()
    thinking: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    usage: Literal["full", "zero", "absent"] = "full"
    delay_s: float = 0.0
    pause_s: float = 0.0
    cut_after: int | None = None
    error_after: int | None = None
    malformed: bool = False
    endless: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """A refusal, in Ollama's words.

    `plain`: on /v1 too the body is `{"error": "text"}`, as when a daemon passes on what the cloud said. `raw` is sent
    as it is, for example a proxy's page of HTML.
    """

    status: int
    error: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    plain: bool = False
    raw: bytes | None = None
    delay_s: float = 0.0

    @classmethod
    def bad_request(cls, error: str = "invalid options: num_ctx") -> Fault:
        """400."""
        return cls(400, error)

    @classmethod
    def unauthorized(cls) -> Fault:
        """401: the daemon is not signed in, or the key is wrong."""
        return cls(401, "unauthorized", {"signin_url": "https://ollama.com/connect?name=stand-in&key=c3NoLWVk"})

    @classmethod
    def subscription(cls) -> Fault:
        """403: the model is not in the account's plan."""
        return cls(
            403, "this model requires a subscription, upgrade for access: https://ollama.com/upgrade", plain=True
        )

    @classmethod
    def not_found(cls, model: str) -> Fault:
        """404: nobody knows the model."""
        return cls(404, f"model '{model}' not found")

    @classmethod
    def usage_limit(cls, period: Literal["session", "weekly", "hourly"] = "session") -> Fault:
        """429: the account has used up what its plan gives."""
        text = f"you (stand-in) have reached your {period} usage limit, upgrade for higher limits: https://ollama.com/upgrade"
        return cls(429, text, plain=True)

    @classmethod
    def server_error(cls) -> Fault:
        """500: what the cloud says of a retired model too."""
        return cls(500, f"Internal Server Error (ref: {uuid4()})", plain=True)

    @classmethod
    def busy(cls) -> Fault:
        """503: the queue is full."""
        return cls(503, "server busy, please try again.  maximum pending requests exceeded")

    @classmethod
    def html(cls, status: int = 502) -> Fault:
        """What a proxy in front says when nobody answers behind it."""
        return cls(status, raw=b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>")


Said = Reply | Fault | str | Mapping[str, Any] | None
Rule = Callable[[Chat], Said] | Said | Sequence[Said]


class Script:
    """Chooses what to answer: a rule for each model, `"*"` for all others.

    A rule is an answer, a function of the question, or a list of answers, of which the last stays. An answer is a
    `Reply`, a `Fault`, text, a mapping (the final answer: arguments of the tool `final_result`, or JSON text), or None
    for the default: an answer that fits the schema of what was asked, always the same for the same question.
    """

    def __init__(self, rules: Mapping[str, Rule] | None = None) -> None:
        self.rules: dict[str, Rule] = dict(rules or {})
        self._turns: dict[str, tuple[Rule, int]] = {}

    def answer(self, chat: Chat) -> Reply | Fault:
        """What to answer to this question."""
        key = chat.model if chat.model in self.rules else "*"
        rule = self.rules.get(key)
        if callable(rule):
            rule = rule(chat)
        if isinstance(rule, list | tuple):
            rule = rule[min(self._turn(key, rule), len(rule) - 1)]
        return _reply(rule, chat)

    def _turn(self, key: str, rule: Rule) -> int:
        """How often this very list was asked before: a new one begins at its beginning."""
        known, turn = self._turns.get(key, (None, 0))
        turn = turn if known is rule else 0
        self._turns[key] = (rule, turn + 1)
        return turn


def fitting(chat: Chat) -> Reply:
    """An answer that fits what was asked."""
    if chat.answer_tool:
        return Reply(tool_calls=[ToolCall(chat.answer_tool, sample(chat.parameters(chat.answer_tool), chat.digest))])
    if chat.schema is not None:
        return Reply(json.dumps(sample(chat.schema, chat.digest)))
    return Reply("{}" if chat.json_only else "OK")


def tools_first(chat: Chat) -> Reply | None:
    """A rule: the model calls every tool once, then answers as by default."""
    tools = [name for name in chat.tool_names if name != chat.answer_tool]
    if chat.results or not tools:
        return None
    return Reply(tool_calls=[ToolCall(name, sample(chat.parameters(name), chat.digest)) for name in tools])


def _reply(said: Any, chat: Chat) -> Reply | Fault:
    match said:
        case None:
            return fitting(chat)
        case Reply(text=None, tool_calls=()):
            default = fitting(chat)
            return replace(said, text=default.text, tool_calls=default.tool_calls)
        case Reply() | Fault():
            return said
        case str():
            return Reply(said)
        case Mapping() if chat.answer_tool:
            return Reply(tool_calls=[ToolCall(chat.answer_tool, said)])
        case Mapping():
            return Reply(json.dumps(dict(said)))
    raise TypeError(f"a rule gave {type(said).__name__}; give a Reply, a Fault, text, a mapping or None")

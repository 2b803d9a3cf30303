"""From a question to its answer: what Ollama checks, what the script chooses, what a grammar enforces."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from maf_core.testing.http import Connection, Request
from maf_core.testing.ollama import said, writing
from maf_core.testing.ollama.calls import Call, CallLog, Slots
from maf_core.testing.ollama.chat import Api, BadRequestError, Chat, read_native, read_v1
from maf_core.testing.ollama.models import StandInModel, find
from maf_core.testing.ollama.sample import fits, sample
from maf_core.testing.ollama.script import Fault, Reply, Script

_THOUGHT = "Weighing what was asked."
_READ: dict[Api, Callable[[Mapping[str, Any]], Chat]] = {"native": read_native, "v1": read_v1}


class Answering:
    """Answers chats as the script says. `errors`: what the script itself raised."""

    def __init__(self, script: Script, models: Mapping[str, StandInModel], api_key: str | None, slots: Slots) -> None:
        self.log = CallLog()
        self.errors: list[Exception] = []
        self._script = script
        self._models = models
        self._api_key = api_key
        self._slots = slots

    async def chat(self, request: Request, connection: Connection, api: Api) -> None:
        """Answer one question."""
        if self._api_key and request.headers.get("authorization") != f"Bearer {self._api_key}":
            await writing.refuse(connection, Fault.unauthorized(), api)
            return
        try:
            chat = _read(request, api)
            model = self._checked(chat)
        except BadRequestError as error:
            await writing.refuse(connection, Fault.bad_request(str(error)), api)
        except LookupError as error:
            await writing.refuse(connection, Fault.not_found(error.args[0]), api)
        else:
            await self._numbered(replace(chat, number=self.log.next_number(chat.model)), model, connection)

    async def _numbered(self, chat: Chat, model: StandInModel, connection: Connection) -> None:
        call = self.log.add(chat)
        async with self._slots.taken() as free:
            # In the cloud the model never sees the schema, so that what it says need not fit.
            seen = replace(chat, schema=None, json_only=False) if model.remote else chat
            chosen = self._choose(seen) if free else Fault.busy()
            if isinstance(chosen, Fault):
                call.status = chosen.status
                await writing.refuse(connection, chosen, chat.api)
            else:
                await _reply(_constrained(_thoughtful(chosen, seen, model), seen), seen, model, call, connection)

    def _checked(self, chat: Chat) -> StandInModel:
        model = find(self._models, chat.model)
        if model is None:
            raise LookupError(chat.model)
        if "completion" not in model.can:
            raise BadRequestError(f'"{chat.model}" does not support chat')
        if chat.tools and "tools" not in model.can:
            raise BadRequestError(f"registry.ollama.ai/library/{chat.model} does not support tools")
        if chat.think and "thinking" not in model.can:
            raise BadRequestError(f'"{chat.model}" does not support thinking')
        return model

    def _choose(self, chat: Chat) -> Reply | Fault:
        if not chat.messages:
            return Reply("")
        try:
            return self._script.answer(chat)
        except Exception as error:  # noqa: BLE001 - a mistake in a test's rule must not look like a hanging server
            self.errors.append(error)
            return Fault(500, f"the script of the stand-in raised {type(error).__name__}: {error}")


async def _reply(reply: Reply, chat: Chat, model: StandInModel, call: Call, connection: Connection) -> None:
    answer = said.answer(reply, chat, model.base)
    if not chat.messages:  # asks for nothing but that the model be loaded
        answer = replace(answer, thinking="", done_reason="load")
    call.status, call.tokens_in, call.tokens_out = 200, answer.tokens_in or 0, answer.tokens_out or 0
    try:
        await writing.send(connection, reply, answer, chat, call)
    except ConnectionError:
        call.complete = False
        raise


def _thoughtful(reply: Reply, chat: Chat, model: StandInModel) -> Reply:
    """Models that can think do, unless told otherwise; gpt-oss cannot be told."""
    thinks = "thinking" in model.can and (chat.think is not False or model.base.startswith("gpt-oss"))
    return replace(reply, thinking=_THOUGHT) if thinks and reply.thinking is None else reply


def _constrained(reply: Reply, chat: Chat) -> Reply:
    """A grammar leaves a local model no choice: it says what fits, and cannot call a tool."""
    if chat.schema is None and not chat.json_only:
        return reply
    schema = chat.schema or {"type": "object"}
    try:
        value = json.loads(reply.text or "")
    except ValueError:
        value = None
    if not fits(value, schema):
        value = sample(schema, chat.digest)
    return replace(reply, text=json.dumps(value), tool_calls=())


def _read(request: Request, api: Api) -> Chat:
    body = body_of(request)
    try:
        return _READ[api](body)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadRequestError(f"json: cannot unmarshal request: {error}") from error


def body_of(request: Request) -> dict[str, Any]:
    """The JSON object that was sent; raises `BadRequestError` as Ollama does."""
    if not request.body:
        raise BadRequestError("missing request body")
    try:
        body = request.json()
    except ValueError as error:
        raise BadRequestError(f"invalid request body: {error}") from error
    if not isinstance(body, dict):
        raise BadRequestError(f"json: cannot unmarshal {type(body).__name__} into Go value of type api.ChatRequest")
    return body

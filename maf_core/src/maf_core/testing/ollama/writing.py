"""How an answer is sent: whole or in pieces, and broken where a test wants it broken."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from maf_core.testing.http import Connection
from maf_core.testing.ollama import said
from maf_core.testing.ollama.calls import Call
from maf_core.testing.ollama.chat import Api, Chat
from maf_core.testing.ollama.said import Answer
from maf_core.testing.ollama.script import Fault, Reply

_FOREVER_SECONDS = 86_400.0
_GAVE_UP = "an error was encountered while running the model: unexpected EOF"
_KINDS = {"native": "application/x-ndjson", "v1": "text/event-stream"}


async def refuse(connection: Connection, fault: Fault, api: Api) -> None:
    """Send a refusal in the dialect of the question."""
    await connection.wait(fault.delay_s)
    if fault.raw is not None:
        await connection.send(fault.status, fault.raw, "text/html", fault.headers)
        return
    native = api == "native" or fault.plain
    body: Any = {"error": fault.error, **fault.more} if native else _v1_error(fault)
    await connection.send(fault.status, json.dumps(body).encode(), headers=fault.headers)


def _v1_error(fault: Fault) -> dict[str, Any]:
    kind = {400: "invalid_request_error", 404: "not_found_error"}.get(fault.status, "api_error")
    return {"error": {"message": fault.error, "type": kind, "param": None, "code": None}}


async def send(connection: Connection, reply: Reply, answer: Answer, chat: Chat, call: Call) -> None:
    """Send an answer. The call is complete before its last byte goes out: the client may look as soon as it has it."""
    await connection.wait(reply.delay_s)
    if chat.stream:
        await _send_pieces(connection, reply, answer, chat, call)
    else:
        await _send_whole(connection, reply, answer, chat, call)


async def _send_whole(connection: Connection, reply: Reply, answer: Answer, chat: Chat, call: Call) -> None:
    if reply.endless:
        await connection.wait(_FOREVER_SECONDS)
    body = json.dumps(said.native(answer) if chat.api == "native" else said.v1(answer)).encode()
    half = len(body) // 2
    call.complete = reply.cut_after is None and not connection.gone
    await connection.send(200, body[:half] if reply.malformed else body, cut=None if reply.cut_after is None else half)


async def _send_pieces(connection: Connection, reply: Reply, answer: Answer, chat: Chat, call: Call) -> None:
    await connection.start(_KINDS[chat.api])
    for number, piece in enumerate(_pieces(reply, answer, chat)):
        await connection.wait(reply.pause_s)
        if number == reply.cut_after:
            connection.abort()
            return
        if number == reply.error_after:
            await connection.piece(_broken(answer, chat.api))
            break
        await connection.piece(piece[: len(piece) // 2] + b"\n\n" if reply.malformed else piece)
    call.complete = not connection.gone
    await connection.end()


def _pieces(reply: Reply, answer: Answer, chat: Chat) -> Iterable[bytes]:
    if chat.api == "native":
        pieces: Iterator[bytes] = said.native_stream(answer)
    else:
        pieces = said.v1_stream(answer, include_usage=chat.include_usage)
    return _over_and_over(next(pieces)) if reply.endless else pieces


def _over_and_over(piece: bytes) -> Iterator[bytes]:
    while True:
        yield piece


def _broken(answer: Answer, api: Api) -> bytes:
    return said.line({"error": _GAVE_UP}) if api == "native" else said.v1_broken(answer)

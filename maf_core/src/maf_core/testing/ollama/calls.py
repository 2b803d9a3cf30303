"""What the stand-in has been asked, and whether its answers got through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from maf_core.testing.ollama.chat import Api, Chat


@dataclass(slots=True)
class Call:
    """One question.

    `digest`: SHA-256 of the request, the same for the same question. `status`: of the answer, 0 until there is one.
    `tokens_in`, `tokens_out`: as counted to the client. `complete`: whether all of the answer was sent to a client who
    was still there. `body`: the request.
    """

    number: int
    api: Api
    model: str
    digest: str
    stream: bool
    options: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    status: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    complete: bool = False


class CallLog:
    """All calls, in the order in which they came."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def add(self, chat: Chat) -> Call:
        """Enter a question."""
        call = Call(
            len(self.calls) + 1, chat.api, chat.model, chat.digest, chat.stream, dict(chat.options), dict(chat.body)
        )
        self.calls.append(call)
        return call

    def next_number(self, model: str) -> int:
        """Which question to this model the next one is, from 1."""
        return 1 + sum(call.model == model for call in self.calls)


class Slots:
    """How many questions are worked on at once; more wait, and too many are turned away."""

    def __init__(self, concurrency: int | None, queue: int) -> None:
        self._free = asyncio.Semaphore(concurrency or 1_000_000)
        self._queue = queue
        self._waiting = 0
        self.most = 0
        self._working = 0

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[bool]:
        """Wait for a slot; False when the queue is full."""
        if self._free.locked() and self._waiting >= self._queue:
            yield False
            return
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        self._working += 1
        self.most = max(self.most, self._working)
        try:
            yield True
        finally:
            self._working -= 1
            self._free.release()

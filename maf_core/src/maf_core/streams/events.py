"""The event bus: what happens, on `maf:events`, best effort. Emitting never waits and never fails a run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from maf_core.streams.codec import FIELD, encode
from maf_core.streams.names import EVENTS

log = structlog.get_logger(__name__)

EVENT_KINDS = (
    "arena.start",
    "arena.complete",
    "arena.error",
    "phase.start",
    "phase.complete",
    "phase.error",
    "agent.start",
    "agent.complete",
    "agent.error",
    "agent.signal",
    "decision.emit",
    "action.emit",
    "source.fetch",
    "source.error",
    "llm.call",
    "llm.error",
    "control.command",
    "control.ack",
    "system.status",
)
MAXLEN = 20_000
_QUEUE = 10_000
_BATCH = 256
# What one run says within this time goes out together: far too short for whoever looks on to notice.
_LINGER_SECONDS = 0.005
# One command for a batch: the client takes longer over each than the server over an entry.
_APPEND = """
for i = 3, #ARGV do redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', ARGV[2], ARGV[i]) end
"""

Observer = Callable[[dict[str, Any]], None]


class EventBus:
    """Collects events and appends them in batches, one round trip each. A full queue drops and counts the newest."""

    def __init__(self, redis: Redis, stream: str = EVENTS, maxlen: int = MAXLEN) -> None:
        self.dropped = 0
        self._append = redis.register_script(_APPEND)
        self._stream = stream
        self._maxlen = maxlen
        self._queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue(_QUEUE)
        self._observers: list[Observer] = []
        self._closed = False
        self._failing = False

    @property
    def queued(self) -> int:
        """How many events wait to be written."""
        return self._queue.qsize()

    @contextmanager
    def observed_by(self, observer: Observer) -> Iterator[None]:
        """Show every event to `observer`, at once and also when it is dropped, for as long as the block runs."""
        self._observers.append(observer)
        try:
            yield
        finally:
            self._observers.remove(observer)

    def emit(
        self,
        kind: str,
        *,
        arena: str = "",
        arena_id: str = "",
        phase: str = "",
        correlation_id: str = "",
        **payload: Any,
    ) -> None:
        """Queue one event. `kind` is one of `EVENT_KINDS`; `payload` must be JSON data."""
        event = {
            "kind": kind,
            "arena": arena,
            "arena_id": arena_id,
            "phase": phase,
            "ts": datetime.now(UTC).isoformat(),
            "correlation_id": correlation_id,
            "payload": payload,
        }
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self.dropped += 1
        for observer in self._observers:
            _show(observer, event)

    async def run(self) -> None:
        """Write until closed, and then what is left."""
        while not (self._closed and self._queue.empty()):
            first = await self._queue.get()
            if not self._closed and self.queued < _BATCH:
                await asyncio.sleep(_LINGER_SECONDS)
            await self._write(first)

    def close(self) -> None:
        """Let `run` return once everything is written."""
        self._closed = True
        with suppress(asyncio.QueueFull):
            self._queue.put_nowait(None)  # wakes a `run` that waits for an event

    async def _write(self, first: dict[str, Any] | None) -> None:
        batch = [first]
        while len(batch) < _BATCH and not self._queue.empty():
            batch.append(self._queue.get_nowait())
        entries = []
        for event in filter(None, batch):
            try:
                entries.append(encode(event)[FIELD])
            except ValueError as error:  # somebody's payload is no JSON data
                self.dropped += 1
                log.warning("event_not_json", kind=event["kind"], error=str(error))
        try:
            if entries:
                await self._append(keys=[self._stream], args=[self._maxlen, FIELD, *entries])
        except (RedisError, OSError) as error:
            self.dropped += len(entries)
            if not self._failing:  # a streak of failures is one line in the log
                log.warning("events_not_written", error=str(error))
            self._failing = True
        else:
            self._failing = False


def _show(observer: Observer, event: dict[str, Any]) -> None:
    try:
        observer(event)
    except Exception:
        log.exception("event_not_observed", kind=event["kind"])  # whoever looks on must not fail a run

"""The event bus: what happens, on `maf:events`, best effort. Emitting never waits and never fails a run."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from maf_core.streams.codec import encode
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
_QUEUE = 10_000
_BATCH = 256


class EventBus:
    """Collects events and appends them in batches, one round trip each. A full queue drops and counts the newest."""

    def __init__(self, redis: Redis, stream: str = EVENTS, maxlen: int = 20_000) -> None:
        self.dropped = 0
        self._redis = redis
        self._stream = stream
        self._maxlen = maxlen
        self._queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue(_QUEUE)
        self._closed = False
        self._failing = False

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

    async def run(self) -> None:
        """Write until closed, and then what is left."""
        while not (self._closed and self._queue.empty()):
            await self._write(await self._queue.get())

    def close(self) -> None:
        """Let `run` return once everything is written."""
        self._closed = True
        with suppress(asyncio.QueueFull):
            self._queue.put_nowait(None)  # wakes a `run` that waits for an event

    async def _write(self, first: dict[str, Any] | None) -> None:
        batch = [first]
        while len(batch) < _BATCH and not self._queue.empty():
            batch.append(self._queue.get_nowait())
        pipeline = self._redis.pipeline(transaction=False)
        for event in filter(None, batch):
            try:
                pipeline.xadd(self._stream, encode(event), maxlen=self._maxlen, approximate=True)  # type: ignore[arg-type]
            except ValueError as error:  # somebody's payload is no JSON data
                self.dropped += 1
                log.warning("event_not_json", kind=event["kind"], error=str(error))
        try:
            await pipeline.execute()
        except (RedisError, OSError) as error:
            self.dropped += len(pipeline)
            if not self._failing:  # a streak of failures is one line in the log
                log.warning("events_not_written", error=str(error))
            self._failing = True
        else:
            self._failing = False

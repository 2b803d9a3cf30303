"""Where runs are kept while they go on and after, as plain JSON: `maf:run:<arena_id>`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from pydantic_core import from_json, to_json
from redis.asyncio import Redis

FORMAT = 1


@dataclass(slots=True)
class RunRecord:
    """A run as saved. `next_phase` is where it goes on; None with status `running` means from the start."""

    arena_id: str
    correlation_id: str
    state: dict[str, Any]
    next_phase: str | None = None
    status: str = "running"
    error: str | None = None
    seconds: float = 0.0
    format: int = FORMAT


class RunStore:
    """Saves a run after every phase, so that whoever takes it over goes on from there."""

    def __init__(self, redis: Redis, retention_s: int) -> None:
        self._redis = redis
        self._retention_s = retention_s

    async def open(self, arena_id: str, state: dict[str, Any]) -> RunRecord:
        """The record of this run: what an earlier worker left, else a new one."""
        saved = await self._redis.get(_key(arena_id))
        if saved:
            content = from_json(saved)
            if content.get("format") == FORMAT:
                return RunRecord(**content)
        record = RunRecord(arena_id, uuid4().hex, state)
        await self.save(record)  # so that whoever goes on from here does so under the same correlation id
        return record

    async def save(self, record: RunRecord) -> None:
        """Write the record; it is kept for the configured retention."""
        await self._redis.set(_key(record.arena_id), to_json(record), ex=self._retention_s)


def _key(arena_id: str) -> str:
    return f"maf:run:{arena_id}"

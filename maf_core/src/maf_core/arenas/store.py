"""Where runs are kept while they go on and after: one Redis hash a run, `maf:run:{<arena_id>}`; see `record.py`.

The braces are part of the key: whatever else belongs to a run lands in the same slot of a cluster. `maf:runs` lists the
runs by when they began.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from maf_core.arenas.record import (
    FORMAT,
    Fields,
    RunHead,
    RunRecord,
    answer_field,
    head_of,
    record_of,
    run_key,
    unreadable,
)
from maf_core.arenas.run import RunStatus
from maf_core.arenas.state import State
from maf_core.errors import RunError, RunTakenError
from maf_core.streams.raw import text

log = structlog.get_logger(__name__)

RUNS = "maf:runs"
# A run in work is kept at least this long: somebody may only take it up again tomorrow.
WORK_SECONDS = 86_400
_PAGE = 100

# Whoever opens a run owns it from then on: the epoch goes up, and what an earlier owner still tries to save is refused.
# A run that this version cannot carry on stays with whoever has it.
_OPEN = """
if redis.call('EXISTS', KEYS[1]) == 1 then
  local read, head = pcall(cjson.decode, redis.call('HGET', KEYS[1], 'head') or '')
  if read and type(head) == 'table' and head.format == tonumber(ARGV[2]) and head.status == 'running' then
    redis.call('HINCRBY', KEYS[1], 'epoch', 1)
  end
  return redis.call('HGETALL', KEYS[1])
end
if #ARGV > 2 then
  redis.call('HSET', KEYS[1], 'epoch', 1)
  for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
  redis.call('EXPIRE', KEYS[1], ARGV[1])
end
return {}
"""
# KEYS: the run, the list of runs. ARGV: seconds to keep it, when it began, its id, and its fields. For a run without a
# record, together with whatever decides on the server that it may begin; then this process owns it.
BEGIN = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'epoch', 1, unpack(ARGV, 4))
redis.call('EXPIRE', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[2], 'NX', ARGV[2], ARGV[3])
return 1
"""
_SAVE = """
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""


@dataclass(frozen=True, slots=True)
class Beginning:
    """A new record, and what `BEGIN` needs to write it; it is the run's once that has given 1."""

    record: RunRecord
    keys: list[str]
    args: list[Any]


class RunStore:
    """Saves a run after every phase and every answer, so that whoever takes it up goes on from there."""

    def __init__(self, redis: Redis, retention_s: int, keep: int) -> None:
        self._redis = redis
        self._retention_s = retention_s
        self._keep = keep
        self._open = redis.register_script(_OPEN)
        self._save = redis.register_script(_SAVE)

    async def open(self, head: RunHead, state: State, definition: str = "") -> RunRecord:
        """Take a run up: what earlier workers left, else a new record, with the digest of its arena.

        Raises `RunError` for a record that cannot be read or that a newer version wrote.
        """
        new = RunRecord(head, state, definition=definition)
        arena_id = head.request.arena_id
        found, _ = await asyncio.gather(
            self._opened(arena_id, {**new.changed(), "definition": definition.encode()}),
            self._redis.zadd(RUNS, {arena_id: head.created_at.timestamp()}, nx=True),
        )
        if found is None:
            new.saved = dict(state)
        return found or new

    def beginning(self, head: RunHead, state: State, definition: str) -> Beginning:
        """A new record, not yet written."""
        new, arena_id = RunRecord(head, state, definition=definition), head.request.arena_id
        fields = {**new.changed(), "definition": definition.encode()}
        new.saved = dict(state)
        began = head.created_at.timestamp()
        return Beginning(new, [run_key(arena_id), RUNS], [self._ttl("running"), began, arena_id, *_flat(fields)])

    async def take(self, arena_id: str) -> RunRecord | None:
        """Take up a run that there is, away from whoever works on it."""
        return await self._opened(arena_id, {})

    async def _opened(self, arena_id: str, fields: Fields) -> RunRecord | None:
        try:
            found = await self._open(keys=[run_key(arena_id)], args=[self._ttl("running"), FORMAT, *_flat(fields)])
        except ResponseError as error:
            if "WRONGTYPE" not in str(error):
                raise
            raise unreadable(arena_id, "the key holds something else") from error
        if not found:
            return None
        return record_of(arena_id, dict(zip(found[::2], found[1::2], strict=True)))

    async def save(self, record: RunRecord) -> None:
        """Write the head and what has changed in the state since it was last saved."""
        record.head.updated_at = datetime.now(UTC)
        state = dict(record.state)
        await self._write(record, record.changed())
        record.saved = state
        if record.head.status != "running":
            await self._shorten_list()

    async def check(self, record: RunRecord) -> None:
        """Raises `RunTakenError` when somebody else has taken the run up meanwhile."""
        arena_id = record.head.request.arena_id
        if await self._redis.hget(run_key(arena_id), "epoch") != str(record.epoch).encode():
            raise _taken(arena_id)

    async def save_answer(self, record: RunRecord, key: str, answer: bytes) -> None:
        """Write one answer."""
        await self._write(record, {answer_field(key): answer})

    async def _write(self, record: RunRecord, fields: Fields) -> None:
        """Raises `RunTakenError`, having written nothing, when somebody else has taken the run up meanwhile."""
        arena_id, ttl = record.head.request.arena_id, self._ttl(record.head.status)
        if not await self._save(keys=[run_key(arena_id)], args=[record.epoch, ttl, *_flat(fields)]):
            raise _taken(arena_id)

    async def read(self, arena_id: str) -> RunRecord | None:
        """A run as it stands, without taking it up; raises as `open` does."""
        fields = await self._redis.hgetall(run_key(arena_id))
        return record_of(arena_id, fields) if fields else None

    async def head(self, arena_id: str) -> RunHead | None:
        """How far a run is; raises as `open` does."""
        found = await self._redis.hget(run_key(arena_id), "head")
        return head_of(arena_id, found) if found else None

    async def definition(self, arena_id: str) -> str:
        """The digest of the arena that a run began with; empty when there is none."""
        return text(await self._redis.hget(run_key(arena_id), "definition") or "")

    async def recent(self, arena: str | None = None, most: int = 50) -> list[RunHead]:
        """The newest runs, the newest first."""
        heads: list[RunHead] = []
        start = 0
        while len(heads) < most:
            ids = [text(one) for one in await self._redis.zrevrange(RUNS, start, start + _PAGE - 1)]
            heads += [head for _, head in await self.heads(ids) if head and arena in (None, head.arena)]
            start += _PAGE
            if len(ids) < _PAGE:
                break
        return heads[:most]

    async def _shorten_list(self) -> None:
        """Forget the oldest finished runs when there are too many."""
        pipeline = self._redis.pipeline(transaction=False)
        oldest = datetime.now(UTC).timestamp() - max(self._retention_s, WORK_SECONDS)
        pipeline.zremrangebyscore(RUNS, "-inf", oldest)
        pipeline.zrange(RUNS, 0, -self._keep - 1)
        _, excess = await pipeline.execute()
        if excess:
            await self._forget([text(one) for one in excess[:_PAGE]])

    async def _forget(self, ids: list[str]) -> None:
        over = [arena_id for arena_id, head in await self.heads(ids) if head is None or head.status != "running"]
        pipeline = self._redis.pipeline(transaction=False)
        for arena_id in over:
            pipeline.unlink(run_key(arena_id))
            pipeline.zrem(RUNS, arena_id)
        await pipeline.execute()

    async def heads(self, ids: list[str]) -> list[tuple[str, RunHead | None]]:
        """How far these runs are, in one round trip; None, with a warning, for one that cannot be read."""
        pipeline = self._redis.pipeline(transaction=False)
        for arena_id in ids:
            pipeline.hget(run_key(arena_id), "head")
        found = zip(ids, await pipeline.execute(raise_on_error=False), strict=True)
        return [(arena_id, _head_or_none(arena_id, head)) for arena_id, head in found]

    def _ttl(self, status: RunStatus) -> int:
        return max(self._retention_s, WORK_SECONDS) if status == "running" else self._retention_s


def _taken(arena_id: str) -> RunTakenError:
    return RunTakenError(f"the run {arena_id} was taken up by another worker")


def _flat(fields: Fields) -> Iterator[str | bytes]:
    for name, value in fields.items():
        yield name
        yield value


def _head_or_none(arena_id: str, saved: Any) -> RunHead | None:
    try:
        return head_of(arena_id, saved) if isinstance(saved, bytes) else None
    except RunError as error:
        log.warning("run_not_readable", arena_id=arena_id, reason=str(error))
        return None

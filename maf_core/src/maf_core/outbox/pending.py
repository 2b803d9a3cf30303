"""Actions that wait for a person: kept on the server until one decides or their time is up."""

from __future__ import annotations

from datetime import datetime

import structlog
from pydantic import ValidationError
from redis.asyncio import Redis

from maf_core.errors import BadEntryError
from maf_core.outbox.models import ExecutionEnvelope
from maf_core.streams import codec
from maf_core.streams.codec import FIELD, encode
from maf_core.streams.names import EXECUTIONS, beside
from maf_core.streams.raw import RawFields, entries, text

log = structlog.get_logger(__name__)

PENDING = beside(EXECUTIONS, "pending")
DEADLINES = beside(EXECUTIONS, "deadlines")
_AT_ONCE = 100

# The action waits, and everybody is told, in one step: unless it waits already or has its final execution.
_HOLD = """
if redis.call('EXISTS', KEYS[1]) == 1 or redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then return 0 end
redis.call('XADD', KEYS[4], '*', ARGV[2], ARGV[3])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[1])
return 1
"""


def final_marker(arena_id: str) -> str:
    """The key that holds the id of the action's final execution, once there is one."""
    return beside(EXECUTIONS, "once", arena_id)


async def hold(redis: Redis, execution: ExecutionEnvelope, until: datetime) -> ExecutionEnvelope:
    """Let the action wait until then, and publish that it does, once. Gives the execution as it was published."""
    waits = execution.model_copy(update={"expires_at": until})
    arena_id = waits.action.arena_id
    data = encode(waits.model_dump(mode="json"))[FIELD]
    keys = [final_marker(arena_id), PENDING, DEADLINES, EXECUTIONS]
    await redis.register_script(_HOLD)(keys=keys, args=[arena_id, FIELD, data, until.timestamp()])
    return waits


async def pending(redis: Redis) -> list[ExecutionEnvelope]:
    """All that waits, what expires first at the front. One that cannot be read is left out, with a warning."""
    ids = [text(one) for one in await redis.zrange(DEADLINES, 0, -1)]
    found = await redis.hmget(PENDING, ids) if ids else []
    return [held for held in map(_readable, ids, found) if held is not None]


async def overdue(redis: Redis, now: datetime) -> list[str]:
    """The ids of a page of actions whose time is up."""
    ids = await redis.zrangebyscore(DEADLINES, "-inf", now.timestamp(), start=0, num=_AT_ONCE)
    return [text(one) for one in ids]


async def forget_deadline(redis: Redis, action_id: str) -> None:
    """Look no more after an action of which nothing can be made."""
    await redis.zrem(DEADLINES, action_id)


async def find(redis: Redis, action_id: str) -> ExecutionEnvelope | None:
    """The action as it waits; None when it does not."""
    return _readable(action_id, await redis.hget(PENDING, action_id))


async def final(redis: Redis, action_id: str) -> ExecutionEnvelope | None:
    """The action's final execution; None when it has none, or its entry has been trimmed."""
    entry_id = await redis.get(final_marker(action_id))
    found = entries(await redis.xrange(EXECUTIONS, entry_id, entry_id)) if entry_id else []
    return _execution(found[0]) if found else None


async def last_executions(redis: Redis, most: int) -> list[ExecutionEnvelope]:
    """The newest final executions, the newest first."""
    found: list[ExecutionEnvelope] = []
    last = "+"
    while len(found) < most and (page := entries(await redis.xrevrange(EXECUTIONS, last, count=_AT_ONCE))):
        found += [one for one in map(_execution, page) if one and one.status != "pending_approval"]
        last = f"({page[-1][0]}"
    return found[:most]


async def why_not(redis: Redis, action_id: str) -> str:
    """Why the action waits for nobody, in a sentence."""
    decided = await final(redis, action_id)
    if decided is not None:
        by = f" by {decided.approved_by}" if decided.approved_by else ""
        return f"The action {action_id} was {decided.status}{by} already: {outcome_of(decided)}"
    if await redis.exists(final_marker(action_id)):
        return f"The action {action_id} was decided already; its execution is no longer on the stream."
    return f"No action {action_id} waits for anybody. See those that do: maf actions list"


def outcome_of(execution: ExecutionEnvelope) -> str:
    """Why an execution is as it is: the checks that stopped it, else who carries it out."""
    failed = [f"{check.name}: {check.reason}" for check in execution.checks if check.result == "failed"]
    return "; ".join(failed) or f"it went out to {execution.engine}."


def _execution(entry: tuple[str, RawFields]) -> ExecutionEnvelope | None:
    try:
        return ExecutionEnvelope.model_validate(codec.decode(entry[1]))
    except (ValidationError, BadEntryError):  # others can write to the stream too
        return None


def _readable(action_id: str, raw: bytes | str | None) -> ExecutionEnvelope | None:
    try:
        return ExecutionEnvelope.model_validate_json(raw) if raw else None
    except ValidationError:
        log.warning("pending_action_unreadable", action=action_id)
        return None

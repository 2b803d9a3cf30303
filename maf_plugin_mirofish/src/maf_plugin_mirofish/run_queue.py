"""The runs of all workers: those that wait, and those begun, each with one worker at a time.

A begun run is due at a moment: when its worker's lease ends, or when it may be tried again. Whoever takes a run that is
due owns it; what an earlier owner still tries to save is refused.
"""

from __future__ import annotations

from uuid import uuid4

from pydantic import ValidationError
from redis.asyncio import Redis

from maf_core.streams.names import beside
from maf_core.streams.raw import text
from maf_plugin_mirofish.errors import LeaseLostError
from maf_plugin_mirofish.run import Run

Args = list[str | int | float]
_KEPT_SECONDS = 7 * 86_400

_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""
_ACCEPT = """
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[2]) then
  redis.call('ZADD', KEYS[2], ARGV[3], ARGV[4])
  return 1
end
return 0
"""
_TAKE = (
    _NOW
    + """
local id = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 1)[1]
if id then
  redis.call('ZADD', KEYS[1], now + ARGV[1], id)
  redis.call('HSET', KEYS[2], id, ARGV[2])
end
return id
"""
)
_BEGIN = (
    _NOW
    + """
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then return false end
local id = redis.call('ZRANGE', KEYS[3], 0, 0)[1]
if id then
  redis.call('ZREM', KEYS[3], id)
  redis.call('ZADD', KEYS[1], now + ARGV[1], id)
  redis.call('HSET', KEYS[2], id, ARGV[2])
end
return id
"""
)
# ARGV: id, owner, what to do, by how much.
_OWNED = (
    _NOW
    + """
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return 0 end
if ARGV[3] == 'due' then
  redis.call('ZADD', KEYS[1], now + ARGV[4], ARGV[1])
else
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('HDEL', KEYS[2], ARGV[1])
  if ARGV[3] == 'wait' then redis.call('ZADD', KEYS[3], ARGV[4], ARGV[1]) end
end
return 1
"""
)
_SAVE = """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[2], ARGV[3], 'EX', ARGV[4])
return 1
"""


class RunQueue:
    """What one worker does with the runs. All keys are in the slot of the reports' stream."""

    def __init__(self, redis: Redis, reports_stream: str, lease_s: float) -> None:
        self.lease_s = lease_s
        self._redis = redis
        self._stream = reports_stream
        self._begun, self._owners, self._waiting = (self._key(name) for name in ("begun", "owners", "waiting"))
        self._scripts = {
            name: redis.register_script(script)
            for name, script in (
                ("accept", _ACCEPT),
                ("take", _TAKE),
                ("begin", _BEGIN),
                ("owned", _OWNED),
                ("save", _SAVE),
            )
        }

    async def accept(self, run: Run) -> bool:
        """Let a run wait, unless its report was accepted before."""
        args: Args = [run.model_dump_json(), _KEPT_SECONDS, run.accepted_at.timestamp(), run.id]
        return bool(await self._scripts["accept"](keys=[self._run_key(run.id), self._waiting], args=args))

    async def take(self) -> Run | None:
        """Own a begun run that is due: tried before, or left by a worker that died."""
        owner = uuid4().hex  # of this take: a lease that lapsed must not look like the new one
        args: Args = [int(self.lease_s * 1000), owner]
        return await self._owned(await self._scripts["take"](keys=[self._begun, self._owners], args=args), owner)

    async def begin(self, most: int) -> Run | None:
        """Own the run that has waited longest, unless `most` are begun already."""
        owner = uuid4().hex
        keys = [self._begun, self._owners, self._waiting]
        args: Args = [int(self.lease_s * 1000), owner, most]
        return await self._owned(await self._scripts["begin"](keys=keys, args=args), owner)

    async def _owned(self, found: bytes | None, owner: str) -> Run | None:
        if found is None:
            return None
        run_id = text(found)
        run = await self.read(run_id)
        if run is None:  # it expired, or cannot be read: nobody can go on with it
            await self._change(run_id, owner, "gone")
            return None
        run.owner = owner
        return run

    async def read(self, run_id: str) -> Run | None:
        """A run as it stands."""
        try:
            return Run.model_validate_json(await self._redis.get(self._run_key(run_id)) or b"")
        except ValidationError:
            return None

    async def save(self, run: Run) -> None:
        """Write a run down; raises `LeaseLostError` when another worker owns it by now."""
        args: Args = [run.id, run.owner, run.model_dump_json(), _KEPT_SECONDS]
        if not await self._scripts["save"](keys=[self._owners, self._run_key(run.id)], args=args):
            raise LeaseLostError(f"The run of report {run.id!r} was taken over by another worker.")

    async def put_off(self, run: Run, seconds: float) -> bool:
        """Let any worker take the run after so long; False when another owns it. A lease is renewed by this, too."""
        return await self._change(run.id, run.owner, "due", int(seconds * 1000))

    async def give_back(self, run: Run) -> bool:
        """Let the run wait again, in its old place."""
        return await self._change(run.id, run.owner, "wait", run.accepted_at.timestamp())

    async def finish(self, run: Run) -> bool:
        """The run is over; False when another owns it."""
        return await self._change(run.id, run.owner, "gone")

    async def counts(self) -> dict[str, int]:
        """How many runs wait, and how many are begun."""
        waiting, begun = await self._redis.zcard(self._waiting), await self._redis.zcard(self._begun)
        return {"waiting": waiting, "running": begun}

    async def begun(self) -> list[str]:
        """The reports of the runs that are begun."""
        return [text(found) for found in await self._redis.zrange(self._begun, 0, -1)]

    async def _change(self, run_id: str, owner: str, what: str, amount: float = 0) -> bool:
        keys = [self._begun, self._owners, self._waiting]
        return bool(await self._scripts["owned"](keys=keys, args=[run_id, owner, what, amount]))

    def _run_key(self, run_id: str) -> str:
        return self._key("run", run_id)

    def _key(self, *parts: str) -> str:
        return beside(self._stream, "mirofish", *parts)

"""One worker per target across all machines: leases on the server, which end by themselves when their holder dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Literal

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from maf_core.streams.names import beside
from maf_core.streams.raw import text
from maf_core.tasks import cancelled

log = structlog.get_logger(__name__)

# `held`: somebody is at work on it. `resting`: done until then, but news may break the rest. `barred`: until then not
# even news may.
State = Literal["ours", "held", "resting", "barred"]
Rest = Literal["resting", "barred"]

# Of every name: 1 and how it was found, or 0, what stands in the way, and for how many milliseconds.
_CLAIM = """
local answers = {}
for i, key in ipairs(KEYS) do
  local found = redis.call('GET', key)
  if not found or (found == 'resting' and ARGV[3] == '1') then
    redis.call('SET', key, ARGV[1], 'PX', ARGV[2])
    answers[i] = {'ours', 0}
  else
    local state = (found == 'resting' or found == 'barred') and found or 'held'
    answers[i] = {state, math.max(redis.call('PTTL', key), 0)}
  end
end
return answers
"""

_RENEW = """
local lost = {}
for i, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then redis.call('PEXPIRE', key, ARGV[2]) else lost[#lost + 1] = i end
end
return lost
"""

_SETTLE = """
for i, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then
    local state, ms = ARGV[2 * i], tonumber(ARGV[2 * i + 1])
    if ms > 0 then redis.call('SET', key, state, 'PX', ms) else redis.call('DEL', key) end
  end
end
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """What became of a claim, and for how many seconds that will be so unless somebody changes it."""

    state: State
    seconds: float = 0.0


class Leases:
    """Leases on names of one scope, such as `refresher:kronos`. All of a scope live in one cluster slot.

    A lease ends `lease_s` after it was last renewed. Whoever holds one shows a token that nobody else has.
    """

    def __init__(self, redis: Redis, scope: str, lease_s: float) -> None:
        self._scope = scope
        self._lease_s = lease_s
        self._claim = redis.register_script(_CLAIM)
        self._renew = redis.register_script(_RENEW)
        self._settle = redis.register_script(_SETTLE)

    async def claim(self, names: Sequence[str], token: str, *, news: bool = False) -> dict[str, Claim]:
        """Take what is free, in one round trip; with `news`, also what is at rest."""
        if not names:
            return {}
        answers = await self._claim(keys=self._keys(names), args=[token, self._lease_ms, int(news)])
        return {
            name: Claim(text(state), int(ms) / 1000)  # type: ignore[arg-type]
            for name, (state, ms) in zip(names, answers, strict=True)
        }

    async def renew(self, names: Sequence[str], token: str) -> list[str]:
        """Hold on to what is ours, and name what is not any more."""
        lost = await self._renew(keys=self._keys(names), args=[token, self._lease_ms])
        return [names[index - 1] for index in lost]

    async def settle(self, rests: Mapping[str, tuple[Rest, float]], token: str) -> None:
        """Give back what is still ours: for that many seconds it rests or is barred; with 0 it is free at once."""
        words = [word for state, seconds in rests.values() for word in (state, int(seconds * 1000))]
        await self._settle(keys=self._keys(list(rests)), args=[token, *words])

    @asynccontextmanager
    async def kept(self, names: Sequence[str], token: str) -> AsyncIterator[None]:
        """Renew claimed names for the length of the block. An error in it frees them at once."""
        keeper = asyncio.create_task(self._keep(names, token))
        try:
            yield
        except BaseException:
            await asyncio.shield(self._free(names, token))
            raise
        finally:
            await cancelled([keeper])

    async def _free(self, names: Sequence[str], token: str) -> None:
        with suppress(RedisError):  # the server away: they end by themselves
            await self.settle(dict.fromkeys(names, ("resting", 0.0)), token)

    async def _keep(self, names: Sequence[str], token: str) -> None:
        held = list(names)
        while held:
            await asyncio.sleep(self._lease_s / 3)
            with suppress(RedisError):
                lost = await self.renew(held, token)
                if lost:
                    log.warning("lease_lost", scope=self._scope, names=lost)
                    held = [name for name in held if name not in lost]

    def _keys(self, names: Sequence[str]) -> list[str]:
        return [beside(self._scope, "lease", name) for name in names]

    @property
    def _lease_ms(self) -> int:
        return int(self._lease_s * 1000)

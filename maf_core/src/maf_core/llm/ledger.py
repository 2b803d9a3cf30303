"""What may still be spent, kept on the server: one atomic call reserves at several levels at once, one settles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from maf_core.llm.ledger_scripts import RESERVE, SETTLE
from maf_core.streams.names import beside

if TYPE_CHECKING:
    from redis.asyncio import Redis

# Of all amounts: whole numbers, so that sums are exact.
RESOURCES = ("tokens", "usd", "calls", "ms")
NO_LIMIT = -1
USD = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """What a token costs, in 10⁻¹² USD."""

    input: int = 0
    output: int = 0

    def micro_usd(self, tokens_in: int, tokens_out: int) -> int:
        """The cost in 10⁻⁶ USD, rounded up."""
        return -(-(tokens_in * self.input + tokens_out * self.output) // 1_000_000)


@dataclass(frozen=True, slots=True)
class Level:
    """One account. `limits`: by resource, USD in millionths; `NO_LIMIT` where there is none."""

    name: str
    setting: str
    key: str
    limits: tuple[int, int, int, int]
    ttl_s: int


@dataclass(frozen=True, slots=True)
class Want:
    """What a call may cost: `tokens_in` at most; of `tokens_out` and `ms` what is left, but no less than the least."""

    tokens_in: int = 0
    tokens_out: int = 0
    least_out: int = 0
    price: Price = Price()
    ms: int = 0
    least_ms: int = 0
    calls: int = 1


@dataclass(frozen=True, slots=True)
class Grant:
    """What the call may cost."""

    tokens_out: int
    ms: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why it does not fit: `used` of `limit`, and the call `needs` so much.

    `passing`: calls that are under way may leave room when they settle.
    """

    level: Level
    resource: str
    used: int
    limit: int
    needs: int
    passing: bool


class Ledger:
    """The accounts on one server. All keys are in one slot of a cluster, so that one script can touch several."""

    def __init__(self, redis: Redis) -> None:
        self._reserve = redis.register_script(RESERVE)
        self._settle = redis.register_script(SETTLE)

    async def reserve(self, levels: Sequence[Level], call: str, owner: str, want: Want) -> Grant | Refusal:
        """Take what the call wants from all levels or from none. Repeating it replaces, never adds."""
        price = want.price
        asked = [want.tokens_in, want.tokens_out, want.least_out, price.input, price.output]
        asked += [want.ms, want.least_ms, want.calls]
        for level in levels:
            asked += [*level.limits, level.ttl_s]
        fits, *answer = await self._reserve(keys=[level.key for level in levels], args=[call, owner, *asked])
        if fits:
            return Grant(*answer)
        level, resource, used, limit, needs, passing = answer
        return Refusal(levels[level - 1], RESOURCES[resource - 1], used, limit, needs, bool(passing))

    async def settle(self, levels: Sequence[Level], call: str, owner: str, spent: tuple[int, int, int, int]) -> None:
        """Put what was really spent, by resource, in the place of the reservation."""
        ttls = [level.ttl_s for level in levels]
        await self._settle(keys=[level.key for level in levels], args=[call, owner, *spent, *ttls])


def account(*parts: str) -> str:
    """The key of an account."""
    return beside("budget", *parts)

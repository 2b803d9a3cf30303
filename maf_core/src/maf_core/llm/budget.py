"""Budgets: what a run, an arena's day and all services' day may spend. Reserved before a call, settled after it."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from redis.exceptions import RedisError

from maf_core.errors import BudgetExceededError
from maf_core.llm.ledger import NO_LIMIT, USD, Grant, Ledger, Level, Price, Refusal, Want, account
from maf_core.settings import BudgetLimits

if TYPE_CHECKING:
    from maf_core.arenas.config import BudgetConfig

_RUN_SECONDS = 7 * 86_400
_DAY_SECONDS = 2 * 86_400
_POLL_SECONDS = (0.02, 0.5)


class Spending:
    """A reservation while the call is under way. Unless it is told better, all of its tokens count as spent.

    `short_of_…`: less was left than was wanted.
    """

    def __init__(self, grant: Grant, want: Want) -> None:
        self.tokens_in = want.tokens_in
        self.tokens_out = grant.tokens_out
        self.seconds = grant.ms / 1000 if want.ms else None
        self.short_of_time = grant.ms < want.ms
        self.short_of_tokens = grant.tokens_out < want.tokens_out
        self._price = want.price
        self._started = time.monotonic()

    def used(self, tokens_in: int, tokens_out: int) -> None:
        """Say what the call really took."""
        self.tokens_in, self.tokens_out = tokens_in, tokens_out

    @property
    def micro_usd(self) -> int:
        """What the tokens cost, in 10⁻⁶ USD."""
        return self._price.micro_usd(self.tokens_in, self.tokens_out)

    @property
    def ms(self) -> int:
        """How long the call has been under way."""
        return round((time.monotonic() - self._started) * 1000)


class Budget:
    """What one run may spend. The accounts are on the server: services share the days, and a resumed run its own."""

    def __init__(self, ledger: Ledger, arena: str, arena_id: str, config: BudgetConfig, day: BudgetLimits) -> None:
        self._ledger = ledger
        self._arena = arena
        self._arena_id = arena_id
        self._config = config
        self._day = day
        self._owner = uuid4().hex
        self._held: set[str] = set()

    @asynccontextmanager
    async def calling(self, model: str, call: str, want: Want, price: Price | None) -> AsyncIterator[Spending]:
        """Hold what a call of a model wants. `call` names it: made again after a crash, it replaces what is still held.

        Raises `BudgetExceededError` when a limit leaves too little, or limits USD while nobody knows the price.
        """
        levels = self._levels()
        if price is None:
            _refuse_limited_usd(levels, model)
        want = replace(want, price=price or Price())
        async with self._holding(levels, call, want, f"the next call of {model}") as spending:
            yield spending

    @asynccontextmanager
    async def spending(self, what: str) -> AsyncIterator[Spending]:
        """Hold one question to a source; `what` is "source:" and its binding. It may take `seconds`, None: any time.

        Raises `BudgetExceededError` when it has been asked as often or as long as `budget.sources` allows.
        """
        binding = what.removeprefix("source:")
        asking = self._config.sources.get(binding)
        if asking is None:
            yield Spending(Grant(0, 0), Want())
            return
        limits = BudgetLimits(calls=asking.calls, seconds=asking.seconds)
        key = account("run", self._arena_id, what)
        level = _level(f"Source {binding!r} in this run", f"budget.sources.{binding}", key, limits, _RUN_SECONDS)
        most = max(0, level.limits[3])
        want = Want(ms=most, least_ms=int(limits.seconds is not None))
        async with self._holding([level], "ask", want, "the next question") as spending:
            yield spending

    def _levels(self) -> list[Level]:
        # The day on which money is spent is the wall's, also in a replay.
        day = datetime.now(UTC).date().isoformat()
        arena, config = self._arena, self._config
        return [
            _level("This run", "budget.run", account("run", self._arena_id), config.run, _RUN_SECONDS),
            _level(f"{arena} today", "budget.day", account("arena", arena, day), config.day, _DAY_SECONDS),
            _level("All arenas today", "llm.day", account("day", day), self._day, _DAY_SECONDS),
        ]

    @asynccontextmanager
    async def _holding(self, levels: Sequence[Level], call: str, want: Want, who: str) -> AsyncIterator[Spending]:
        # Two calls at once may be the same; each holds its own.
        hold = next(name for n in itertools.count() if (name := f"{call}#{n}") not in self._held)
        self._held.add(hold)
        spending = Spending(await self._granted(levels, hold, want, who), want)
        try:
            yield spending
        except BaseException:
            with suppress(RedisError, OSError):  # what is left held counts as spent
                await self._settle(levels, hold, spending)
            raise
        await self._settle(levels, hold, spending)

    async def _granted(self, levels: Sequence[Level], hold: str, want: Want, who: str) -> Grant:
        """Wait while calls under way may leave room, for as long as the call itself may take."""
        until = time.monotonic() + want.ms / 1000
        pause, most = _POLL_SECONDS
        while True:
            answer = await self._ledger.reserve(levels, hold, self._owner, want)
            if isinstance(answer, Grant):
                return answer
            if not answer.passing or time.monotonic() > until:
                self._held.discard(hold)
                raise BudgetExceededError(_exceeded(answer, who))
            await asyncio.sleep(pause * random.uniform(0.5, 1))
            pause = min(2 * pause, most)

    async def _settle(self, levels: Sequence[Level], hold: str, spending: Spending) -> None:
        tokens = spending.tokens_in + spending.tokens_out
        await self._ledger.settle(levels, hold, self._owner, (tokens, spending.micro_usd, 1, spending.ms))
        self._held.discard(hold)


def _level(name: str, setting: str, key: str, limits: BudgetLimits, ttl_s: int) -> Level:
    amounts = (limits.tokens, _times(limits.usd, USD), limits.calls, _times(limits.seconds, 1000))
    tokens, usd, calls, ms = (NO_LIMIT if amount is None else amount for amount in amounts)
    return Level(name, setting, key, (tokens, usd, calls, ms), ttl_s)


def _times(amount: float | None, factor: int) -> int | None:
    return None if amount is None else round(amount * factor)


def _refuse_limited_usd(levels: Sequence[Level], model: str) -> None:
    for level in levels:
        if level.limits[1] != NO_LIMIT:
            raise BudgetExceededError(
                f"{level.setting}.usd limits what may be spent, and nobody knows what {model} costs. "
                f'Name its price, in USD per million tokens: llm.prices."{model}": {{input: …, output: …}}.'
            )


def _exceeded(refusal: Refusal, who: str) -> str:
    unit, scale = {"usd": (" USD", USD), "ms": (" s", 1000)}.get(refusal.resource, (f" {refusal.resource}", 1))
    used, limit, needs = (f"{number / scale:.15g}" for number in (refusal.used, refusal.limit, refusal.needs))
    setting = f"{refusal.level.setting}.{'seconds' if refusal.resource == 'ms' else refusal.resource}"
    return (
        f"{refusal.level.name}: {used} of {limit}{unit} are spent, and {who} needs at least {needs}{unit}. "
        f"Raise {setting}, or ask less."
    )

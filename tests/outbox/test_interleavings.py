"""Whatever comes in whatever order, and whoever dies where: limits hold, and each action ends exactly once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from maf_core import ExecutionEnvelope, TradingAction
from maf_core.clock import ServiceClock
from maf_core.context import AppContext
from maf_core.outbox.ledger import open_positions
from maf_core.outbox.pending import DEADLINES, PENDING, pending
from maf_core.outbox.trading import set_trading

NOW = datetime(2024, 3, 1, 21, tzinfo=UTC)
MAX_TICKER, MAX_ALL, TTL = 0.4, 0.6, 60.0
ROUNDING = 1e-9


class Dying:
    """What kills the process of a client at its n-th command: before it is sent, or before its answer comes."""

    def __init__(self, client: Redis) -> None:
        self.client = client
        self.left = 0
        self.answered = True
        self._send, self._pipeline = client.execute_command, client.pipeline
        client.execute_command, client.pipeline = self.execute_command, self.pipeline

    async def execute_command(self, *args, **options):
        return await self._counted(lambda: self._send(*args, **options))

    def pipeline(self, *args, **options):
        pipeline = self._pipeline(*args, **options)
        execute = pipeline.execute
        pipeline.execute = lambda raise_on_error=True: self._counted(lambda: execute(raise_on_error))
        return pipeline

    async def _counted(self, send):
        self.left -= 1
        if self.left < 0 or (self.left == 0 and not self.answered):
            raise RedisConnectionError("killed")
        answer = await send()
        if self.left == 0:
            raise RedisConnectionError("killed")
        return answer


@dataclass
class World:
    """Everything that was asked of the desks, and what may not have been done yet."""

    redis: Redis
    dying: Dying
    make_desk: Callable[[Redis], Any]
    submitted: list[TradingAction] = field(default_factory=list)
    undone: list[tuple[Any, ...]] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)
    state: str = "ACTIVE"
    seen: int = 0
    now: datetime = NOW

    async def submit(self, ticker: str, arena: str, verdict: str, size: float, mode: str, when: Any) -> None:
        number = len(self.submitted)
        action = TradingAction.model_validate(
            {
                "arena": arena,
                "arena_id": f"run-{number}",
                "correlation_id": f"{number:032x}",
                "published_at": NOW + timedelta(days=number // 3),
                "target": {"ticker": ticker, "trade_date": f"day {number // 3}"},
                "verdict": verdict,
                "mode": mode,
                "sizing": {"confidence": 0.8, "ensemble_score": 0.5, "size_fraction": size},
            }
        )
        self.submitted.append(action)
        self.undone.append(("submit", action))
        await self.work(-1, when)

    async def end(self, which: int, kind: str, pnl: float, when: Any) -> None:
        """An engine tells of the end of something that went out."""
        out = [one.action.arena_id for one in await self.executions() if one.exposure]
        left = [arena_id for arena_id in out if arena_id not in self.ended]
        if left:
            self.ended.add(arena_id := left[which % len(left)])
            self.undone.append(("outcome", arena_id, f"{len(self.ended)}-0", kind, pnl))
            await self.work(-1, when)

    async def decide(self, which: int, said: str, when: Any) -> None:
        waits = await pending(self.redis)
        if waits:
            self.undone.append(("decide", waits[which % len(waits)].action.arena_id, said))
            await self.work(-1, when)

    async def work(self, which: int, when: tuple[int, bool, bool] | None) -> None:
        """A process takes something up; if it dies, or forgets to acknowledge, somebody does it again later."""
        if not self.undone or when is None:
            return
        item = self.undone[which % len(self.undone)]
        self.dying.left, self.dying.answered, forgets = when
        try:
            await self._do(self.make_desk(self.dying.client), item)
        except RedisConnectionError:
            return
        if not forgets:
            self.undone.remove(item)

    async def race(self) -> None:
        """Two processes for everything there is to do, all at once."""
        await asyncio.gather(*(self._do(self.make_desk(self.redis), item) for item in [*self.undone, *self.undone]))
        self.undone.clear()

    async def say(self, state: str) -> None:
        await set_trading(self.redis, state, "anna", "because")
        self.state = state

    async def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        await ServiceClock(self.redis).hold(self.now)

    async def expire(self) -> None:
        await self.make_desk(self.redis).expire()

    async def _do(self, office: Any, item: tuple[Any, ...]) -> None:
        match item:
            case ("submit", action):
                await office.submit(action)
            case ("decide", action_id, said):
                await office.decide(action_id, said)
            case ("outcome", arena_id, entry_id, kind, pnl):
                await office.outcome(arena_id, entry_id, kind=kind, pnl=pnl, closed_at=NOW.isoformat())

    async def executions(self) -> list[ExecutionEnvelope]:
        return await self.make_desk(self.redis).executions()

    async def look(self) -> None:
        """What must hold at every moment."""
        executions = await self.executions()
        finals = Counter(one.action.arena_id for one in executions if one.status != "pending_approval")
        assert all(count == 1 for count in finals.values()), "an action has two final executions"
        until = {one.action.arena_id: one.expires_at for one in executions if one.expires_at}
        waits = Counter(one.action.arena_id for one in executions if one.status == "pending_approval")
        assert all(count == 1 for count in waits.values()), "an action was said to wait twice"
        out = [one for one in executions if one.status == "approved" and one.action.verdict != "HOLD"]
        _assert_within_limits([one for one in out if one.action.arena_id not in self.ended])
        for one in executions[self.seen :]:
            if one in out:
                assert self.state != "HALTED", "something went out while trading was halted"
                assert self.state != "REDUCING" or one.action.verdict == "SELL"
                assert self.state != "REDUCING" or one.exposure == 0
                assert one.action.mode == "auto" or until[one.action.arena_id] > self.now, "it had expired"
        trades = Counter((one.action.arena, one.action.target.ticker, one.action.target.trade_date) for one in out)
        assert all(count == 1 for count in trades.values()), "a trade was made twice"
        self.seen = len(executions)

    async def finish(self) -> None:
        """Everything that was left is done, twice, and time passes."""
        await self.race()
        for action in self.submitted:
            await self.make_desk(self.redis).submit(action)
        await self.look()
        await self.wait(2 * TTL)
        await self.expire()
        await self.look()
        finals = {one.action.arena_id for one in await self.executions() if one.status != "pending_approval"}
        assert finals == {action.arena_id for action in self.submitted}, "an action was lost"
        assert await pending(self.redis) == []
        assert await self.redis.exists(PENDING, DEADLINES) == 0
        held = {position.arena_id for position in await open_positions(self.redis)}
        assert not held & self.ended, "what has ended is still counted"


def _assert_within_limits(out: list[ExecutionEnvelope]) -> None:
    """A BUY is its size, whatever the gate took it for; for a SELL the gate says what it took it for."""
    sizes = Counter[str]()
    for one in out:
        buys = one.action.verdict == "BUY"
        sizes[one.action.target.ticker] += one.action.sizing.size_fraction if buys else one.exposure
    assert max(sizes.values(), default=0) <= MAX_TICKER + ROUNDING
    assert sizes.total() <= MAX_ALL + ROUNDING


# When a thing is done: later, at once, or at once by a process that dies at one of its commands.
LIVES = 1_000_000
WHEN = st.one_of(
    st.none(),
    st.tuples(st.just(LIVES), st.just(True), st.booleans()),
    st.tuples(st.integers(0, 6), st.booleans(), st.just(False)),
)
VERDICTS = st.sampled_from(["BUY", "BUY", "BUY", "SELL", "HOLD"])
SIZES = st.sampled_from([0.25, 0.2, 0.1, 0.0])
MODES = st.sampled_from(["auto", "auto", "semi", "manual"])
SUBMIT = st.tuples(st.just("submit"), st.sampled_from("AB"), st.sampled_from("xy"), VERDICTS, SIZES, MODES, WHEN)
ENDS = st.tuples(
    st.just("end"), st.integers(0, 9), st.sampled_from(["close", "dropped"]), st.sampled_from([90, -700]), WHEN
)
SAID = st.sampled_from(["approve", "approve", "reject"])
STATES = st.sampled_from(["ACTIVE", "ACTIVE", "REDUCING", "HALTED"])
STEPS = st.lists(
    st.one_of(
        SUBMIT,
        SUBMIT,
        SUBMIT,
        ENDS,
        st.tuples(st.just("decide"), st.integers(0, 9), SAID, WHEN),
        st.tuples(st.just("work"), st.integers(0, 9), WHEN),
        st.tuples(st.just("say"), STATES),
        st.sampled_from([("wait", 1.0), ("wait", TTL), ("expire",), ("race",), ("race",)]),
    ),
    min_size=10,
    max_size=40,
)


@pytest.fixture
async def dying(redis_engine):
    async with redis_engine.connect() as client:
        yield Dying(client)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_any_interleaving_keeps_the_limits_and_ends_every_action_once(redis, dying, desk, steps):
    await redis.flushall()
    office = desk(max_ticker_exposure=MAX_TICKER, max_exposure=MAX_ALL, approval_ttl_s=TTL, max_loss=1000)
    plain = office.context

    def make_desk(client: Redis) -> Any:
        return type(office)(AppContext.create(client, plain.settings, plain.plugins, {}))

    world = World(redis, dying, make_desk)
    await world.wait(0)
    for name, *arguments in steps:
        await getattr(world, name)(*arguments)
        await world.look()
    await world.finish()

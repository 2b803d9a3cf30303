"""How much is open: what counts, what ends it, and that no two gates can both take the last room."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from maf_core import CheckResult, RiskCheckSpec
from maf_core.errors import BadEntryError
from maf_core.outbox.ledger import POSITIONS, RECENT
from maf_core.streams.names import OUTCOMES
from maf_core.streams.publish import publish
from maf_core.streams.quiet import until_quiet
from maf_core.testing import running

DAY = datetime(2024, 3, 1, 21, tzinfo=UTC)


@pytest.fixture
def buy(action):
    """A BUY of a size on a day of its own, of the same arena."""

    def make(number: int, ticker: str = "AAPL", size: float = 0.2, verdict: str = "BUY", **more):
        moment = DAY + timedelta(days=number)
        target = {"ticker": ticker, "trade_date": moment.date().isoformat()}
        meta = {"as_of": moment.isoformat()}
        return action(target=target, sizing={"size_fraction": size}, verdict=verdict, meta=meta, **more)

    return make


async def statuses(office) -> list[str]:
    return [execution.status for execution in await office.executions()]


async def test_the_last_room_in_a_ticker_is_taken_once(desk, buy, stopped_by):
    office = desk(max_ticker_exposure=0.5)
    for number, size in enumerate((0.2, 0.2, 0.2, 0.1)):
        await office.submit(buy(number, size=size))
    assert await statuses(office) == ["approved", "approved", "rejected", "approved"]
    assert stopped_by((await office.executions())[2]) == ["ticker_exposure"]
    assert (await office.judged(buy(4, ticker="IBM"))).status == "approved"


async def test_the_last_room_in_all_is_taken_once(desk, buy, stopped_by):
    office = desk(max_exposure=0.3)
    for number, ticker in enumerate(("A", "B", "C")):
        await office.submit(buy(number, ticker=ticker, size=0.15, arena=f"arena{number}"))
    assert await statuses(office) == ["approved", "approved", "rejected"]
    assert stopped_by((await office.executions())[-1]) == ["total_exposure"]


async def test_ten_tenths_are_one(desk, buy):
    office = desk(max_exposure=1.0, max_ticker_exposure=1.0)
    for number in range(11):
        await office.submit(buy(number, size=0.1))
    assert await statuses(office) == ["approved"] * 10 + ["rejected"]


@pytest.mark.parametrize(
    ("outcome", "ends"),
    [
        ({"kind": "close", "pnl": 5.0}, True),
        ({"kind": "close"}, True),
        ({"kind": "dropped", "reason": "already long"}, True),
        ({"closed_at": "2024-03-05T21:00:00Z"}, True),
        ({"return": -0.1}, True),
        ({"pnl": 0.0}, True),
        ({"kind": "fill", "price": 10.0}, False),
        ({"ticker": "AAPL"}, False),
    ],
)
async def test_an_outcome_that_ends_a_position_gives_its_room_back(desk, buy, outcome, ends):
    office = desk()
    first = buy(0)
    await office.submit(first)
    await office.outcome(first.arena_id, **outcome)
    assert await office.open() == ({} if ends else {first.arena_id: 0.2})


async def test_an_outcome_of_a_run_that_holds_nothing_changes_nothing(desk, buy):
    office = desk()
    first = buy(0)
    await office.submit(first)
    await office.outcome("somebody-else", kind="close", pnl=1.0)
    assert await office.open() == {first.arena_id: 0.2}


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ({"kind": "close"}, "arena_id is missing"),
        ({"arena_id": 7, "kind": "close"}, "arena_id is missing"),
        ({"arena_id": "a", "kind": "close", "pnl": "much"}, "pnl 'much' is no amount of money"),
        ({"arena_id": "a", "kind": "close", "pnl": "nan"}, "pnl 'nan' is no amount of money"),
        ({"arena_id": "a", "pnl": 1.0, "closed_at": "soon"}, "'soon' is no timestamp"),
    ],
)
async def test_an_outcome_that_cannot_be_read_is_refused(desk, outcome, words):
    with pytest.raises(BadEntryError, match=words):
        await desk().outcome(**{"arena_id": "", **outcome})


async def test_selling_what_is_held_needs_no_room_and_gives_it_back_when_closed(desk, buy, answered):
    office = desk(max_ticker_exposure=0.2)
    opening, closing = buy(0), buy(1, verdict="SELL", size=0.25)
    await office.submit(opening, closing)
    assert await statuses(office) == ["approved", "approved"]
    assert [execution.exposure for execution in await office.executions()] == [0.2, 0.0]
    assert answered((await office.executions())[1], "ticker_exposure") == ("passed", "closes an open position")
    assert await office.open() == {opening.arena_id: 0.2}
    await office.outcome(opening.arena_id, kind="close", pnl=1.0, closing_arena_id=closing.arena_id)
    assert await office.open() == {}


async def test_selling_what_nobody_holds_may_open_a_short_and_counts_until_it_is_dropped(desk, buy):
    office = desk(max_ticker_exposure=0.2)
    short, other = buy(0, verdict="SELL"), buy(1, verdict="SELL", arena="other")
    await office.submit(short, other)
    assert await statuses(office) == ["approved", "rejected"]
    await office.outcome(short.arena_id, kind="dropped", reason="nothing to sell")
    assert (await office.judged(buy(2))).status == "approved"


async def test_a_short_is_not_closed_by_another_sell(desk, buy):
    office = desk(max_ticker_exposure=0.3)
    await office.submit(buy(0, verdict="SELL"), buy(1, verdict="SELL"))
    assert await statuses(office) == ["approved", "rejected"]


async def test_a_close_that_comes_while_a_sell_is_judged_is_not_overlooked(desk, buy):
    """Judged as closing what has just been closed, it would count for nothing and may open a short."""
    office = desk()
    opening, closing = buy(0), buy(1, verdict="SELL")
    asked = []

    class Meanwhile:
        def __init__(self, context) -> None: ...

        async def check(self, action, book):
            asked.append(book.closes(action))
            if asked == [False, True]:
                await office.outcome(opening.arena_id, kind="close", pnl=1.0)
            return CheckResult(name="mine", result="passed")

    await desk(RiskCheckSpec(name="mine", factory=Meanwhile)).submit(opening, closing)
    assert asked == [False, True, False]
    assert [execution.exposure for execution in await office.executions()] == [0.2, 0.2]


async def test_a_buy_after_a_sell_of_nothing_needs_room_of_its_own(desk, buy):
    """Whether the SELL opened a short is not known: were it taken for closed, the BUY would be counted by nobody."""
    office = desk(max_ticker_exposure=0.3)
    await office.submit(buy(0, verdict="SELL"), buy(1))
    assert await statuses(office) == ["approved", "rejected"]


async def test_a_sell_that_an_engine_took_for_a_close_ends_with_it(desk, buy):
    """The books begin empty, the engine's do not: what it held before can be sold, and is not counted for ever."""
    office = desk()
    closing = buy(0, verdict="SELL")
    await office.submit(closing)
    await office.outcome("from-before", kind="close", pnl=3.0, closing_arena_id=closing.arena_id)
    assert await office.open() == {}


async def test_another_arenas_position_is_not_closed_by_a_sell(desk, buy):
    office = desk(max_ticker_exposure=0.2)
    await office.submit(buy(0), buy(1, verdict="SELL", arena="other"))
    assert await statuses(office) == ["approved", "rejected"]


async def test_gates_that_race_never_both_take_the_last_room(redis, desk, buy):
    offices = [desk(max_ticker_exposure=1.0, max_exposure=0.75) for _ in range(4)]
    actions = [buy(number, ticker=f"T{number % 3}", size=0.15) for number in range(40)]
    await asyncio.gather(*(offices[n % 4].submit(action) for n, action in enumerate(actions)))
    executions = await offices[0].executions()
    assert len({execution.action.arena_id for execution in executions}) == len(executions) == 40
    assert sum(execution.exposure for execution in executions) == pytest.approx(0.75)
    assert sum((await offices[0].open()).values()) == pytest.approx(0.75)


async def test_gates_that_race_for_one_action_give_it_one_execution(desk, buy):
    offices = [desk() for _ in range(4)]
    for number in range(10):
        one = buy(number, ticker=f"T{number}", size=0.05)
        await asyncio.gather(*(office.submit(one) for office in offices))
    executions = await offices[0].executions()
    assert [execution.status for execution in executions] == ["approved"] * 10
    assert await offices[0].open() == {execution.action.arena_id: 0.05 for execution in executions}


async def test_gates_that_race_for_one_action_let_it_wait_once(desk, action):
    offices = [desk() for _ in range(4)]
    for _ in range(10):
        one = action(mode="semi")
        await asyncio.gather(*(office.submit(one) for office in offices))
    assert await statuses(offices[0]) == ["pending_approval"] * 10


async def test_gates_that_race_for_one_trade_a_day_make_one(desk, action):
    offices = [desk() for _ in range(4)]
    await asyncio.gather(*(offices[number % 4].submit(action()) for number in range(12)))
    assert sorted(await statuses(offices[0])) == ["approved"] + ["rejected"] * 11


@pytest.mark.parametrize(("key", "value"), [(POSITIONS, "no hash"), (RECENT, "no set")])
async def test_books_that_cannot_be_read_let_nothing_through(redis, desk, buy, answered, key, value):
    await redis.set(key, value)
    execution = await desk().judged(buy(0))
    assert execution.status == "rejected"
    result, reason = answered(execution, "total_exposure")
    assert result == "failed"
    assert "books cannot be read" in reason


async def test_a_position_that_cannot_be_read_lets_nothing_through(redis, desk, buy, answered):
    await redis.hset(POSITIONS, "run", "{half")
    execution = await desk().judged(buy(0))
    assert execution.status == "rejected"
    assert "A position in" in answered(execution, "ticker_exposure")[1]


async def test_an_hour_has_room_for_so_many_actions_in_the_time_of_the_data(desk, action, stopped_by):
    office = desk(max_actions_per_hour=2, max_exposure=None)

    async def at(minute: int, ticker: str, **more) -> str:
        meta = {"as_of": (DAY + timedelta(minutes=minute)).isoformat()}
        return (await office.judged(action(target={"ticker": ticker}, meta=meta, **more))).status

    assert [await at(0, "A"), await at(20, "B"), await at(59, "C")] == ["approved", "approved", "rejected"]
    assert stopped_by((await office.executions())[-1]) == ["actions_per_hour"]
    assert await at(59, "C", verdict="HOLD") == "approved"
    assert await at(10, "D") == "rejected", "whatever comes late, no hour has three"
    assert await at(60, "E") == "approved"
    target = {"ticker": "A", "trade_date": "2024-03-02"}
    closing = action(target=target, verdict="SELL", meta={"as_of": (DAY + timedelta(minutes=30)).isoformat()})
    assert (await office.judged(closing)).status == "approved", "what only reduces is let through"


async def test_outcomes_come_through_their_stream(redis, desk, buy, brisk):
    office = desk()
    first, second = buy(0), buy(1)
    await office.submit(first, second)
    async with running(brisk(office.positions)):
        await publish(redis, OUTCOMES, {"kind": "dropped", "arena_id": first.arena_id})
        await publish(redis, OUTCOMES, {"kind": "close"})
        await publish(redis, OUTCOMES, {"kind": "fill", "arena_id": second.arena_id})
        await until_quiet(redis)
    assert await office.open() == {second.arena_id: 0.2}
    assert office.positions.consumer.bad_entries == 1

"""Too much lost within a window locks trading, until a person resumes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from maf_core.outbox.ledger import Ledger
from maf_core.outbox.positions import LOCKED_BY
from maf_core.outbox.trading import TRADING, lock_trading, read_trading, set_trading

CLOSE = datetime(2024, 3, 1, 20, tzinfo=UTC)


async def lose(office, amount: float, hours: float = 0.0, **more) -> None:
    closed_at = (CLOSE + timedelta(hours=hours)).isoformat()
    await office.outcome("run", **{"kind": "close", "pnl": -amount, "closed_at": closed_at, **more})


async def state(redis) -> str:
    return (await read_trading(redis)).state


async def test_losses_that_reach_the_limit_lock_and_say_why(redis, desk, action, stopped_by, answered):
    office = desk(max_loss=1000)
    await lose(office, 600)
    assert await state(redis) == "ACTIVE"
    await lose(office, 400, hours=23)
    lock = await read_trading(redis)
    assert (lock.state, lock.who) == ("REDUCING", LOCKED_BY)
    assert lock.why == "-1,000.00 realised within 24 h; the limit is a loss of 1,000.00"
    execution = await office.judged(action(published_at=CLOSE + timedelta(hours=23)))
    assert stopped_by(execution) == ["trading_state", "loss_limit"]
    assert lock.why in answered(execution, "trading_state")[1]


async def test_the_lock_stays_when_the_window_has_passed_and_for_new_processes(redis, desk, action, stopped_by):
    await lose(desk(max_loss=1000), 1000)
    late = action(published_at=CLOSE + timedelta(days=9))
    assert stopped_by(await desk(max_loss=1000).judged(late)) == ["trading_state"]
    assert await state(redis) == "REDUCING"


async def test_a_person_resumes_and_losses_count_from_zero(redis, desk, action):
    office = desk(max_loss=1000)
    await lose(office, 1000)
    await set_trading(redis, "ACTIVE", "anna", "the feed was wrong")
    assert (await office.judged(action())).status == "approved"
    await lose(office, 999)
    assert await state(redis) == "ACTIVE"
    await lose(office, 1)
    assert await state(redis) == "REDUCING"


async def test_what_lies_before_the_window_and_what_was_won_does_not_lock(redis, desk):
    office = desk(max_loss=1000)
    await lose(office, 900)
    await lose(office, 900, hours=24)
    assert await state(redis) == "ACTIVE"
    await lose(office, -500, hours=25)
    await lose(office, 599, hours=26)
    assert await state(redis) == "ACTIVE"
    await lose(office, 1, hours=26)
    assert await state(redis) == "REDUCING"


async def test_the_gate_itself_counts_what_the_lock_has_not_caught(redis, desk, action, stopped_by):
    """Losses stand in the books before the lock falls: between the two, nothing is opened either."""
    await lose(desk(max_loss=None), 1000)
    office = desk(max_loss=1000)
    assert await state(redis) == "ACTIVE"
    execution = await office.judged(action(published_at=CLOSE))
    assert stopped_by(execution) == ["loss_limit"]


async def test_an_outcome_delivered_twice_counts_once(redis, desk):
    office = desk(max_loss=1000)
    for _ in range(3):
        await lose(office, 500, entry_id="7-0")
    assert await state(redis) == "ACTIVE"


async def test_what_is_held_can_be_sold_while_it_is_locked(redis, desk, action):
    office = desk(max_loss=1000)
    opening = action()
    closing = action(verdict="SELL", target={"trade_date": "2024-03-04"})
    await office.submit(opening)
    await lose(office, 1000)
    assert (await office.judged(closing)).status == "approved"


async def test_a_lock_does_not_soften_what_a_person_said(redis, desk):
    await set_trading(redis, "HALTED", "anna", "fire drill")
    await lose(desk(max_loss=1000), 1000)
    assert (await read_trading(redis)).who == "anna"
    await redis.set(TRADING, "scribble")
    await lose(desk(max_loss=1000), 1000)
    assert await redis.get(TRADING) == b"scribble"


async def test_a_lock_falls_once(redis):
    assert await lock_trading(redis, "one", "lost")
    assert not await lock_trading(redis, "two", "lost too")
    assert (await read_trading(redis)).who == "one"


@pytest.mark.parametrize("when", [{"closed_at": None, "published_at": CLOSE.isoformat()}, {"closed_at": None}])
async def test_a_loss_without_its_own_time_counts_when_it_was_told(redis, desk, clock, when):
    office = desk(max_loss=1000)
    if "published_at" not in when:
        await clock.hold(CLOSE)
    await lose(office, 1000, **when)
    assert await Ledger(redis, 24.0).realised(CLOSE.timestamp()) == -1000
    assert await state(redis) == "REDUCING"

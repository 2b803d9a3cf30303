"""The watch list: interest lasts as long as anybody wants it to."""

from __future__ import annotations

import asyncio
import time

import pytest

from maf_core.plane.watch import WatchList
from maf_core.streams.names import WATCH
from maf_core.testing import wait_until
from maf_core.testing.conformance.server import commands_of


@pytest.fixture
def watch(redis) -> WatchList:
    return WatchList(redis)


async def test_members_are_told_by_kind_and_in_order(watch):
    for target, kind in [("MSFT", "symbol"), ("AAPL", "symbol"), ("q1", "question"), ("10-K", "document")]:
        await watch.add(target, kind, 60)
    assert [(item.kind, item.target_id) for item in await watch.members()] == [
        ("document", "10-K"),
        ("question", "q1"),
        ("symbol", "AAPL"),
        ("symbol", "MSFT"),
    ]
    assert [item.target_id for item in await watch.members("symbol")] == ["AAPL", "MSFT"]


async def test_a_later_end_extends_and_an_earlier_one_changes_nothing(watch):
    await watch.add("AAPL", "symbol", 100)
    await watch.add("AAPL", "symbol", 1000)
    await watch.add("AAPL", "symbol", 10)
    (item,) = await watch.members()
    assert item.expires_at == pytest.approx(time.time() + 1000, abs=5)


async def test_one_name_may_be_of_several_kinds(watch):
    await watch.add("X", "symbol", 60)
    assert await watch.watches("X", "symbol")
    assert not await watch.watches("X", "document")
    assert not await watch.watches("Y", "symbol")


async def test_a_name_may_hold_any_character(watch):
    await watch.add("BRK.B|class ü", "symbol", 60)
    assert [item.target_id for item in await watch.members("symbol")] == ["BRK.B|class ü"]


async def test_interest_that_has_ended_is_not_told_and_decays(watch, redis):
    await watch.add("OLD", "symbol", -1, {"why": "earnings"})
    await watch.add("NEW", "symbol", 60)
    assert [item.target_id for item in await watch.members()] == ["NEW"]
    assert not await watch.watches("OLD", "symbol")
    assert await watch.decay() == 1
    assert await watch.decay() == 0
    assert await redis.zcard(WATCH) == 1


async def test_decay_forgets_the_attributes_too(watch):
    await watch.add("OLD", "symbol", -1, {"why": "earnings"})
    await watch.decay()
    await watch.add("OLD", "symbol", 60)
    assert (await watch.members())[0].attrs == {}


async def test_interest_ends_by_itself(watch):
    await watch.add("AAPL", "symbol", 0.05)

    async def gone() -> bool:
        return not await watch.members()

    await wait_until(gone)


async def test_attributes_stay_until_they_are_replaced(watch):
    await watch.add("AAPL", "symbol", 60, {"timeframes": ["1d"]})
    await watch.add("AAPL", "symbol", 90)
    assert (await watch.members())[0].attrs == {"timeframes": ["1d"]}
    await watch.add("AAPL", "symbol", 90, {"timeframes": ["1h"]})
    assert (await watch.members())[0].attrs == {"timeframes": ["1h"]}


async def test_removing_says_whether_there_was_any_interest(watch):
    await watch.add("AAPL", "symbol", 60, {"a": 1})
    assert await watch.remove("AAPL", "symbol") is True
    assert await watch.remove("AAPL", "symbol") is False
    assert await watch.members() == []


async def test_lists_under_different_keys_are_different(redis):
    await WatchList(redis, "mine").add("AAPL", "symbol", 60)
    assert await WatchList(redis).members() == []
    assert len(await WatchList(redis, "mine").members()) == 1


async def test_interest_renewed_while_others_decay_is_never_lost(redis, watch):
    """Many processes decay one list; none may take what another has just renewed."""
    for number in range(40):
        target = f"S{number}"
        await watch.add(target, "symbol", -1)
        await asyncio.gather(
            *(WatchList(redis).decay() for _ in range(4)), watch.add(target, "symbol", 60), WatchList(redis).decay()
        )
        assert await watch.watches(target, "symbol"), target


async def test_what_others_wrote_there_is_passed_over_or_read_as_far_as_it_goes(watch, redis):
    await watch.add("AAPL", "symbol", 60, {"a": 1})
    await redis.zadd(WATCH, {b"\xff\xfe": 9e9, b"planet|Mars": 9e9, b"symbol|MSFT": 9e9})
    await redis.hset("maf:{maf:watch}:attrs", mapping={"symbol|MSFT": b"[1", "symbol|AAPL": b"[1]"})
    assert [(item.target_id, item.attrs) for item in await watch.members()] == [("AAPL", {}), ("MSFT", {})]


@pytest.mark.needs("commandstats")
async def test_members_are_read_in_one_round_trip_and_two_commands(watch, redis):
    for number in range(50):
        await watch.add(f"S{number}", "symbol", 60, {"a": 1})
    assert await commands_of(redis, watch.members) == 2

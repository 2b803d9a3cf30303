"""How long streams are, how old, and how far their groups have come."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maf_core.channels import Channel, Measured, measure
from maf_core.streams.redrive import REDRIVEN
from maf_core.streams.standing import GroupStanding, standings
from maf_core.testing.conformance.server import commands_of


async def fill(redis, number: int, stream: str = "in") -> list[bytes]:
    pipeline = redis.pipeline(transaction=False)
    for each in range(number):
        pipeline.xadd(stream, {"n": each})
    return await pipeline.execute()


async def standing(redis, stream: str = "in") -> dict[str, GroupStanding]:
    (found,) = await standings(redis, [stream])
    return {group.group: group for group in found.groups}


async def test_length_last_id_and_age(redis):
    await redis.xadd("t:one", {"data": "{}"}, id=f"{int((time.time() - 90) * 1000)}-0")
    last = await redis.xadd("t:one", {"data": "{}"}, id=f"{int((time.time() - 40) * 1000)}-7")
    (found,) = await measure(redis, [Channel("t:one")])
    assert (found.length, found.last_id, found.groups, found.fault) == (2, last.decode(), (), "")
    assert 40 <= found.age_s < 50


async def test_what_is_not_there_has_no_age_and_what_is_no_stream_says_so(redis):
    await redis.set("t:text", "x")
    await redis.xadd("t:emptied", {"data": "{}"})
    await redis.xtrim("t:emptied", maxlen=0, approximate=False)
    nowhere, emptied, text = await measure(redis, [Channel("t:nowhere"), Channel("t:emptied"), Channel("t:text")])
    assert nowhere == Measured(Channel("t:nowhere"))
    assert (emptied.length, emptied.last_id, emptied.age_s) == (0, None, None)
    assert (text.length, text.age_s) == (0, None)
    assert "t:text cannot be read as a stream" in text.fault


@pytest.mark.parametrize("entry_id", [f"{int((time.time() + 3600) * 1000)}-0", f"{2**64 - 1}-1"], ids=["soon", "last"])
async def test_an_entry_from_the_future_has_no_negative_age(redis, entry_id):
    await redis.xadd("t:ahead", {"data": "{}"}, id=entry_id)
    assert (await measure(redis, [Channel("t:ahead")]))[0].age_s == 0.0


@pytest.mark.needs("commandstats")
async def test_many_channels_cost_two_commands_each_and_no_key_is_scanned(redis):
    channels = [Channel(f"t:{number}") for number in range(50)]
    assert await commands_of(redis, lambda: measure(redis, channels)) == 100
    assert await measure(redis, []) == []


async def test_a_group_that_reads_has_a_lag_pending_entries_and_consumers(redis):
    ids = await fill(redis, 5)
    await redis.xgroup_create("in", "g", "0")
    await redis.xreadgroup("g", "c1", {"in": ">"}, count=2)
    await redis.xack("in", "g", ids[0])
    await redis.xclaim("in", "g", "c1", 0, [ids[1]], idle=90_000)
    await redis.xreadgroup("g", "c1", {"in": ">"}, count=1)
    group = (await standing(redis))["g"]
    assert (group.lag, group.pending, group.consumers, group.attended) == (2, 2, 1, True)
    assert 90 <= group.oldest_pending_s < 100
    assert 0 <= group.asked_s < 10


async def test_without_a_consumer_nobody_attends_to_it(redis):
    await fill(redis, 1)
    await redis.xgroup_create("in", "g", "0")
    group = (await standing(redis))["g"]
    assert (group.lag, group.pending, group.oldest_pending_s, group.asked_s, group.attended) == (
        1,
        0,
        None,
        None,
        False,
    )


async def test_what_was_redriven_and_waits_for_a_consumer_is_held_by_none(redis):
    ids = await fill(redis, 1)
    await redis.xgroup_create("in", "g", "$")
    await redis.xclaim("in", "g", REDRIVEN, 0, ids, force=True)
    group = (await standing(redis))["g"]
    assert (group.pending, group.consumers, group.attended) == (1, 0, False)


async def test_a_lag_that_the_server_has_lost_count_of_is_unknown_unless_it_is_plain(redis):
    ids = await fill(redis, 6)
    for group, start in (("none", "0"), ("some", ids[1]), ("all", "$")):
        await redis.xgroup_create("in", group, start)
    await redis.xdel("in", ids[3])
    found = await standing(redis)
    assert (found["none"].lag, found["some"].lag, found["all"].lag) == (5, None, 0)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(length=st.integers(1, 30), read=st.integers(0, 30), trimmed=st.integers(0, 29))
async def test_trimming_does_not_leave_a_lag_behind(redis, length, read, trimmed):
    await redis.delete("in")
    await redis.xgroup_create("in", "g", "0", mkstream=True)
    await fill(redis, length)
    if read:
        await redis.xreadgroup("g", "c1", {"in": ">"}, count=read)
    kept = max(0, length - trimmed)
    await redis.xtrim("in", maxlen=kept, approximate=False)
    assert (await standing(redis))["g"].lag == min(kept, max(0, length - read))

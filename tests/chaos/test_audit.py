"""The audit finds what is lost and what is doubled: it reads streams that were written by hand."""

from __future__ import annotations

import pytest
from tests.chaos.audit import Audit, trail_lines

from maf_core.arenas.record import run_key
from maf_core.streams.names import ACTIONS, CONTROL_IN, CONTROL_OUT, DEAD, EXECUTIONS, arena_output
from maf_core.streams.publish import publish

OUTPUT = arena_output("chaos")
# The number 10 must not fire.
NUMBERS = range(8, 11)


async def put_through(redis, number: int) -> None:
    """What the services make of an entry."""
    entry_id = await publish(redis, "chaos:in", {"number": number})
    if number == 10:
        return
    command_id, arena_id = f"c{number}", f"chaos-c{number}"
    await publish(redis, CONTROL_IN, {"command_id": command_id, "trigger": {"entry_id": entry_id}})
    for status in ("accepted", "completed"):
        await publish(redis, CONTROL_OUT, {"command_id": command_id, "status": status, "error": None})
    await redis.hset(run_key(arena_id), mapping={"head": b'{"status": "completed"}', "epoch": 1})
    for stream in (OUTPUT, ACTIONS):
        await publish(redis, stream, {"arena_id": arena_id, "correlation_id": f"of {number}"})
    await publish(redis, EXECUTIONS, {"action": {"arena_id": arena_id}, "status": "approved"})


@pytest.fixture
async def streams(redis):
    for number in NUMBERS:
        await put_through(redis, number)
    return redis


async def audited(redis):
    return await Audit(redis).look(NUMBERS)


async def newest(redis, stream: str) -> tuple[bytes, dict]:
    (found,) = await redis.xrevrange(stream, count=1)
    return found


async def test_what_is_whole_is_clean(streams):
    found = await audited(streams)
    assert found.clean
    assert found.entries == len(NUMBERS)


@pytest.mark.parametrize("stream", ["chaos:in", CONTROL_IN, CONTROL_OUT, OUTPUT, ACTIONS, EXECUTIONS])
async def test_what_is_missing_is_lost(streams, stream):
    entry_id, _ = (await streams.xrange(stream, count=1))[0]
    await streams.xdel(stream, entry_id)
    found = await audited(streams)
    assert found.lost == [8]
    assert not found.clean


@pytest.mark.parametrize("stream", ["chaos:in", CONTROL_IN, CONTROL_OUT, OUTPUT, ACTIONS, EXECUTIONS])
async def test_what_is_there_twice_is_doubled(streams, stream):
    _, fields = (await streams.xrange(stream, count=1))[0]
    await streams.xadd(stream, fields)
    found = await audited(streams)
    assert found.doubled == [8]
    assert not found.clean
    assert "entry 8:" in list(trail_lines(found))


async def test_a_run_that_is_not_over_is_lost(streams):
    await streams.hset(run_key("chaos-c9"), "head", b'{"status": "running"}')
    assert (await audited(streams)).lost == [9]


async def test_what_should_not_fire_and_did_is_doubled(streams):
    entry_id, _ = await newest(streams, "chaos:in")
    await publish(streams, CONTROL_IN, {"command_id": "c10", "trigger": {"entry_id": entry_id.decode()}})
    assert (await audited(streams)).doubled == [10]


@pytest.mark.parametrize(
    ("stream", "payload"),
    [
        (DEAD, {"stream": "chaos:in", "entry_id": "1-1", "reason": "given up"}),
        (CONTROL_OUT, {"command_id": "c9", "status": "failed", "error": "why"}),
        (EXECUTIONS, {"action": {"arena_id": "chaos-of-nobody"}, "status": "approved"}),
        (ACTIONS, {"arena_id": "chaos-c9", "correlation_id": "of another"}),
        (EXECUTIONS, {"action": {"arena_id": "chaos-c9"}, "status": "rejected"}),
    ],
)
async def test_what_should_not_be_there_at_all_is_odd(streams, stream, payload):
    await publish(streams, stream, payload)
    assert (await audited(streams)).odd

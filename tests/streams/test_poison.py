"""An entry that kills whoever takes it is given up, and no other with it."""

from __future__ import annotations

import pytest

from maf_core.streams.consume import ConsumerOptions
from maf_core.streams.publish import publish


async def until_one_survives(program, redis_url: str, names: list[str], concurrency: int, *streams: str) -> int:
    """Start one consumer after the other until one comes to the end; returns how many died."""
    for deaths, name in enumerate(names):
        async with program("poison.py", redis_url, name, str(concurrency), *streams) as process:
            if await process.wait() == 0:
                return deaths
    raise AssertionError(f"all {len(names)} consumers died")


async def put(redis, poisoned: int, number: int) -> tuple[str, set[str]]:
    """So many entries, one of them poison; returns its id, and those of the rest."""
    ids = [await publish(redis, "in", {"poison": 1} if n == poisoned else {"n": n}) for n in range(number)]
    return ids[poisoned], set(ids) - {ids[poisoned]}


@pytest.mark.slow
@pytest.mark.parametrize("concurrency", [1, 16])
@pytest.mark.parametrize("names", [["pod"] * 8, [f"pod-{n}" for n in range(8)]], ids=["same name", "new names"])
async def test_only_the_poison_among_innocents_is_given_up(redis_url, redis, program, letters, concurrency, names):
    """It comes in the middle of what is read at once; in a container the process has the same name after a restart."""
    poison, innocents = await put(redis, 20, 201)
    assert await until_one_survives(program, redis_url, names, concurrency, "in") == 3
    handled = await redis.hgetall("handled")
    assert {entry_id.decode() for entry_id in handled} == innocents
    (letter,) = await letters()
    assert (letter["entry_id"], letter["deliveries"]) == (poison, 4)
    assert letter["reason"] == "given up after 4 deliveries: no consumer lived to finish it"


@pytest.mark.slow
async def test_poison_in_one_stream_is_not_the_fault_of_another(redis_url, redis, program, letters):
    poison, innocents = await put(redis, 3, 10)
    others = {await publish(redis, "other", {"n": n}) for n in range(10)}
    await until_one_survives(program, redis_url, [f"pod-{n}" for n in range(8)], 16, "in", "other")
    assert {entry_id.decode() for entry_id in await redis.hgetall("handled")} == innocents | others
    assert [letter["entry_id"] for letter in await letters()] == [poison]


def test_one_death_gives_nothing_up():
    """What was read with the poison and never begun has been delivered once, too."""
    with pytest.raises(ValueError, match="at least 2"):
        ConsumerOptions(max_deliveries=1)

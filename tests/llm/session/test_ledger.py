"""The ledger: whatever is reserved, settled or left behind, no limit is ever passed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maf_core.llm.ledger import NO_LIMIT, RESOURCES, Grant, Ledger, Level, Price, Refusal, Want, account

PRICE = Price(150_000, 600_000)


def level(name: str, tokens=NO_LIMIT, usd=NO_LIMIT, calls=NO_LIMIT, ms=NO_LIMIT) -> Level:
    return Level(name, f"budget.{name}", account("test", name, uuid4().hex), (tokens, usd, calls, ms), 600)


async def used(redis, one: Level) -> list[int]:
    return [int(value or 0) for value in await redis.hmget(one.key, RESOURCES)]


async def held(redis, one: Level) -> list[int]:
    return [int(value or 0) for value in await redis.hmget(one.key, [f"held_{name}" for name in RESOURCES])]


async def test_a_grant_shrinks_to_what_the_tightest_level_leaves(redis):
    levels = [level("run", tokens=1000), level("day", usd=300), level("all", ms=2500)]
    grant = await Ledger(redis).reserve(levels, "a", "me", Want(100, 800, 10, PRICE, ms=5000, least_ms=1))
    # 300 µUSD: 100 tokens in cost 15, which leaves 285 for 475 tokens out
    assert grant == Grant(475, 2500)
    assert await used(redis, levels[0]) == [575, 300, 1, 2500]
    assert await used(redis, levels[2]) == await held(redis, levels[2]) == [575, 300, 1, 2500]


async def test_what_was_really_used_takes_the_place_of_the_reservation(redis):
    levels = [level("run", tokens=1000, calls=2)]
    ledger = Ledger(redis)
    await ledger.reserve(levels, "a", "me", Want(100, 800))
    await ledger.settle(levels, "a", "me", (150, 7, 1, 30))
    assert (await used(redis, levels[0]), await held(redis, levels[0])) == ([150, 7, 1, 30], [0, 0, 0, 0])
    assert await ledger.reserve(levels, "b", "me", Want(100, 900, 10)) == Grant(750, 0)


@pytest.mark.parametrize(
    ("limits", "want", "resource", "needs"),
    [
        ({"tokens": 100}, Want(90, 50, 20), "tokens", 110),
        ({"usd": 10}, Want(90, 50, 20, PRICE), "usd", 26),
        ({"calls": 0}, Want(), "calls", 1),
        ({"ms": 0}, Want(ms=10, least_ms=1), "ms", 1),
    ],
)
async def test_a_refusal_says_what_is_short_and_takes_nothing(redis, limits, want, resource, needs):
    levels = [level("wide"), level("tight", **limits)]
    answer = await Ledger(redis).reserve(levels, "a", "me", want)
    assert isinstance(answer, Refusal)
    assert (answer.level, answer.resource, answer.needs, answer.passing) == (levels[1], resource, needs, False)
    assert [await redis.exists(one.key) for one in levels] == [0, 0]


async def test_a_refusal_that_calls_under_way_cause_may_pass(redis):
    levels = [level("run", tokens=1000)]
    ledger = Ledger(redis)
    await ledger.reserve(levels, "a", "me", Want(100, 800, ms=60_000))
    assert (await ledger.reserve(levels, "b", "me", Want(300, 100, 10))).passing
    assert not (await ledger.reserve(levels, "c", "me", Want(3000, 100, 10))).passing
    await ledger.settle(levels, "a", "me", (900, 0, 1, 5))
    assert not (await ledger.reserve(levels, "b", "me", Want(300, 100, 10))).passing


async def test_a_call_made_again_by_a_resumed_run_replaces_what_the_dead_process_held(redis):
    levels = [level("run", tokens=1000)]
    ledger = Ledger(redis)
    await ledger.reserve(levels, "a", "dead", Want(100, 800))
    assert await used(redis, levels[0]) == [900, 0, 1, 0]
    assert await ledger.reserve(levels, "a", "alive", Want(100, 800)) == Grant(800, 0)
    assert await used(redis, levels[0]) == [900, 0, 1, 0]
    await ledger.settle(levels, "a", "alive", (120, 0, 1, 0))
    await ledger.settle(levels, "a", "dead", (130, 0, 1, 0))  # it was not dead after all: it has spent, too
    assert (await used(redis, levels[0]), await held(redis, levels[0])) == ([250, 0, 2, 0], [0, 0, 0, 0])


async def test_all_accounts_are_in_one_slot_of_a_cluster_and_go_away(redis):
    one = level("run", tokens=1000)
    await Ledger(redis).reserve([one], "a", "me", Want(1, 1))
    assert one.key.startswith("maf:{budget}:")
    assert 0 < await redis.ttl(one.key) <= 600


steps = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "settle", "crash"]),
        st.integers(0, 4),
        st.integers(0, 300),
        st.integers(0, 300),
        st.floats(0, 1),
    ),
    max_size=30,
)


@given(steps=steps, tokens=st.integers(0, 1000), usd=st.integers(0, 400), calls=st.integers(0, 8))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_sequence_of_reservations_and_crashes_passes_a_limit(redis, steps, tokens, usd, calls):
    levels = [level("run", tokens=tokens), level("day", usd=usd, calls=calls)]
    ledger, owner = Ledger(redis), "first"
    under_way: dict[str, tuple[int, int]] = {}
    spent, crashed = 0, dict[str, int]()
    for what, n, tokens_in, tokens_out, share in steps:
        call = f"call {n}"
        if what == "crash":
            crashed |= {name: sum(pair) for name, pair in under_way.items()}
            under_way.clear()
            owner = uuid4().hex
        elif what == "settle" and call in under_way:
            granted_in, granted_out = under_way.pop(call)
            real = round(share * granted_in), round(share * granted_out)
            await ledger.settle(levels, call, owner, (sum(real), PRICE.micro_usd(*real), 1, 0))
            spent += sum(real)
        elif what == "reserve" and call not in under_way:
            grant = await ledger.reserve(levels, call, owner, Want(tokens_in, tokens_out, 1, PRICE))
            if isinstance(grant, Grant):
                under_way[call] = tokens_in, grant.tokens_out
                crashed.pop(call, None)
        run, day = await used(redis, levels[0]), await used(redis, levels[1])
        assert run[0] <= tokens
        assert day[1] <= usd
        assert day[2] <= calls
        assert run == day
        # nothing is forgotten either: settled, under way, and left behind by the dead
        assert run[0] == spent + sum(map(sum, under_way.values())) + sum(crashed.values())
        assert (await held(redis, levels[0]))[0] == run[0] - spent


RACER = """
import asyncio, sys
from maf_core.llm.ledger import Grant, Ledger, Level, Want
from maf_core.streams.connect import connect

async def main(url, key, name):
    async with connect(url) as redis:
        ledger, level = Ledger(redis), Level("run", "budget.run", key, (10_000, -1, 500, -1), 600)
        taken = 0
        async def one(n):
            nonlocal taken
            grant = await ledger.reserve([level], f"{name}-{n}", name, Want(37, 100, 5))
            if isinstance(grant, Grant):
                taken += 37 + grant.tokens_out
                if n % 3:
                    await ledger.settle([level], f"{name}-{n}", name, (37 + grant.tokens_out, 0, 1, 0))
        await asyncio.gather(*(one(n) for n in range(60)))
        print(taken)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_processes_that_race_share_a_budget_to_the_token(redis, redis_url):
    key = account("test", uuid4().hex)
    racers = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", RACER, redis_url, key, f"process {n}", stdout=subprocess.PIPE
        )
        for n in range(8)
    ]
    taken = [int((await racer.communicate())[0]) for racer in racers]
    assert sum(taken) == 10_000  # more was wanted than there is: all of it went, and not a token more
    assert int(await redis.hget(key, "tokens")) == 10_000
    assert sum(share > 0 for share in taken) > 1

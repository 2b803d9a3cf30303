"""Leases: one holder at a time, for as long as it lives."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from maf_core.plane.leases import Leases
from maf_core.testing import wait_until

NAMES = ["AAPL:1d", "MSFT:1d"]


@pytest.fixture
def leases(redis) -> Leases:
    return Leases(redis, "refresher:test", lease_s=30.0)


async def states(leases, *names, token="me", **how) -> list[str]:
    return [claim.state for claim in (await leases.claim(names, token, **how)).values()]


async def test_what_one_holds_nobody_else_gets(leases):
    assert await states(leases, *NAMES, token="first") == ["ours", "ours"]
    found = await leases.claim([*NAMES, "NEW"], "second", news=True)
    assert [claim.state for claim in found.values()] == ["held", "held", "ours"]
    assert 29 < found["AAPL:1d"].seconds <= 30


async def test_claiming_nothing_asks_nobody(leases):
    assert await leases.claim([], "me") == {}


async def test_of_many_who_claim_at_once_one_gets_it(redis):
    claims = [Leases(redis, "s", 30.0).claim(["A"], f"token{number}") for number in range(20)]
    found = [claim["A"].state for claim in await asyncio.gather(*claims)]
    assert sorted(found) == ["held"] * 19 + ["ours"]


async def test_what_was_done_rests_and_news_breaks_the_rest_but_no_bar(leases):
    await leases.claim(NAMES, "me")
    await leases.settle({"AAPL:1d": ("resting", 20.0), "MSFT:1d": ("barred", 20.0)}, "me")
    assert await states(leases, *NAMES) == ["resting", "barred"]
    assert await states(leases, *NAMES, news=True) == ["ours", "barred"]


async def test_without_a_rest_it_is_free_at_once(leases):
    await leases.claim(["A"], "me")
    await leases.settle({"A": ("resting", 0.0)}, "me")
    assert await states(leases, "A", token="you") == ["ours"]


async def test_it_ends_by_itself(redis):
    leases = Leases(redis, "s", 0.05)
    await leases.claim(["A"], "dead")

    async def free() -> bool:
        return await states(leases, "A", token="heir") == ["ours"]

    await wait_until(free)


async def test_nobody_gives_back_or_renews_what_another_has_taken_over(redis):
    leases = Leases(redis, "s", 0.05)
    await leases.claim(["A"], "slow")
    await asyncio.sleep(0.06)
    heir = Leases(redis, "s", 30.0)
    assert await states(heir, "A", token="heir") == ["ours"]
    assert await leases.renew(["A"], "slow") == ["A"]
    await leases.settle({"A": ("resting", 0.0)}, "slow")
    assert await states(heir, "A", token="third") == ["held"]
    assert await heir.renew(["A"], "heir") == []


async def test_an_error_in_the_block_frees_what_it_kept(leases):
    async def fails() -> None:
        async with leases.kept(["A"], "me"):
            assert await states(leases, "A", token="you") == ["held"]
            raise ZeroDivisionError

    await leases.claim(["A"], "me")
    with pytest.raises(ZeroDivisionError):
        await fails()
    assert await states(leases, "A", token="you") == ["ours"]


async def test_what_was_lost_is_told_once_and_the_rest_is_kept(redis):
    leases = Leases(redis, "refresher:test", lease_s=1.5)
    await leases.claim(NAMES, "me")
    lost, kept = (f"maf:{{refresher:test}}:lease:{name}" for name in NAMES)

    async def renewed() -> None:
        """Its time has run down since the last renewal, and is long again."""
        for left_ms in (range(1250), range(1250, 1501)):
            await wait_until(lambda left_ms=left_ms: _among(redis.pttl(kept), left_ms))

    with capture_logs() as logs:
        async with leases.kept(NAMES, "me"):
            await redis.delete(lost)
            assert await states(leases, NAMES[0], token="you") == ["ours"]
            await wait_until(lambda: logs)
            for _ in range(2):
                await renewed()
    assert [(one["event"], one["names"]) for one in logs] == [("lease_lost", [NAMES[0]])]


async def _among(found, expected: range) -> bool:
    return await found in expected


async def test_all_keys_of_a_scope_are_in_one_slot(leases, redis):
    await leases.claim(NAMES, "me")
    assert sorted(await redis.keys("*")) == [
        b"maf:{refresher:test}:lease:AAPL:1d",
        b"maf:{refresher:test}:lease:MSFT:1d",
    ]

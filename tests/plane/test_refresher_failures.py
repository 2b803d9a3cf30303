"""Refreshers: what fails or hangs is left alone for a while, and touches nobody else."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from pydantic_core import from_json
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from maf_core import ServiceAwayError, Target
from maf_core.testing import running, wait_until


async def test_a_failing_target_backs_off_and_the_others_keep_their_cadence(refresher, watch):
    async def does(target):
        if target.id == "BAD":
            raise ValueError("broken")

    await watch("BAD", "GOOD")
    worker = refresher(does, cadence=0.05, backoff_s=0.1, backoff_limit_s=0.5)
    with capture_logs() as logs:
        async with running(worker):
            await wait_until(lambda: worker.times["BAD"] >= 5)
    waits = [after - before for before, after in pairwise(at for at, call in worker.calls if call.id == "BAD")]
    assert all(wait >= 0.8 * expected for wait, expected in zip(waits, [0.1, 0.2, 0.4, 0.5], strict=False))
    assert worker.times["GOOD"] > worker.times["BAD"]
    assert [entry["error"] for entry in logs if entry["event"] == "refresh_failed"] == ["broken"]


async def test_a_target_that_recovers_is_told_and_has_its_cadence_again(refresher, watch):
    failures = iter([ValueError("once"), ValueError("twice")])

    async def does(target):
        for error in failures:
            raise error

    await watch("AAPL")
    worker = refresher(does)
    with capture_logs() as logs:
        async with running(worker):
            await wait_until(lambda: worker.attempts.counts["refreshed"])
    assert worker.attempts.counts == {"failed": 2, "refreshed": 1}
    assert [entry["event"] for entry in logs] == ["refresh_failed", "refresh_recovered"]


async def test_others_leave_a_target_alone_while_one_backs_off(refresher, watch):
    async def fails(target):
        raise ValueError("no")

    await watch("AAPL")
    first, second = refresher(fails, backoff_s=60.0), refresher(fails, backoff_s=60.0)
    async with running(first):
        await wait_until(lambda: first.calls)
    async with running(second):
        await wait_until(lambda: second.attempts.counts["leased_elsewhere"])
    assert second.calls == []


async def test_a_target_nobody_watches_any_more_is_forgotten(refresher, watch, redis):
    async def fails(target):
        raise ValueError("no")

    await watch("AAPL", ttl_s=1)
    worker = refresher(fails)
    forgotten = []
    worker.forget = forgotten.extend
    async with running(worker):
        await wait_until(lambda: worker.attempts.failing == 1)
        await wait_until(lambda: worker.attempts.failing == 0 and not worker.watches("AAPL"))
    assert len(worker.schedule) == 0
    assert forgotten == [Target("AAPL")]


async def test_hanging_targets_time_out_and_stall_nobody(refresher, watch):
    """More of them hang than there are places; once known, they get half of the places at most."""
    ended = []

    async def does(target):
        if target.id.startswith("HANG"):
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(target.id)

    await watch("GOOD", *(f"HANG{number}" for number in range(8)))
    worker = refresher(does, cadence=0.05, timeout_s=0.4, backoff_s=0.01, backoff_limit_s=0.01, concurrency=4)
    async with running(worker):
        await wait_until(lambda: len(ended) >= 16)  # each has been through it, and is tried again and again
        before = worker.times["GOOD"]
        await wait_until(lambda: len(ended) >= 20)
        assert worker.times["GOOD"] - before >= 4
    assert worker.attempts.counts["failed"] == len(ended)


async def test_never_more_at_once_than_there_are_places(refresher, watch):
    at_once, most, full = 0, 0, asyncio.Event()

    async def does(target):
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        if at_once == 3:
            full.set()
        await full.wait()  # so that the most is seen
        await asyncio.sleep(0)
        at_once -= 1

    await watch(*(f"S{number}" for number in range(20)))
    worker = refresher(does, concurrency=3)
    async with running(worker):
        news = [worker.refresh_now(Target(f"N{number}")) for number in range(10)]
        assert all(await asyncio.gather(*news))
        await wait_until(lambda: len(worker.calls) == 30)
    assert most == 3


async def test_targets_of_a_batch_fail_one_by_one(refresher, watch):
    async def does(target):
        if target.id == "BAD":
            raise ValueError("broken")

    await watch("A", "B", "BAD", "C")
    worker = refresher(does, batch_size=4, backoff_s=60.0)
    async with running(worker):
        await wait_until(lambda: len(worker.calls) == 4)
        await wait_until(lambda: worker.attempts.counts == {"refreshed": 3, "failed": 1})


async def test_a_batch_that_fails_as_one_is_tried_again_one_by_one(refresher, watch):
    sizes = []

    class Batched(type(refresher())):
        async def refresh_many(self, targets):
            sizes.append(len(targets))
            if any(target.id == "BAD" for target in targets):
                raise ValueError("broken")
            return {}

    await watch("A", "B", "BAD", "C")
    worker = refresher(batch_size=4, backoff_s=0.02, backoff_limit_s=0.1)
    worker.__class__ = Batched
    with capture_logs() as logs:
        async with running(worker):
            await wait_until(lambda: worker.attempts.counts["refreshed"] == 3)
    told = [(entry["error"], entry["targets"]) for entry in logs if entry["event"] == "refresh_failed"]
    assert told == [("broken", 4)]
    assert sizes[0] == 4
    assert set(sizes[1:]) == {1}


async def test_a_service_that_is_away_is_left_alone_as_a_whole_and_then_probed(refresher, watch):
    away, calls = asyncio.Event(), []
    away.set()

    async def does(target):
        calls.append(away.is_set())
        if away.is_set():
            raise ServiceAwayError("nobody answers")

    await watch(*(f"S{number}" for number in range(50)))
    worker = refresher(does, concurrency=4, backoff_s=0.1, backoff_limit_s=0.2)
    with capture_logs() as logs:
        async with running(worker):
            await wait_until(lambda: len(calls) >= 7)
            first, *_ = times = [at for at, _ in worker.calls]
            probes = [first, *times[4:]]  # four at first, then one now and then
            assert min(after - before for before, after in pairwise(probes)) >= 0.8 * 0.1
            assert not await worker.refresh_now(Target("S1"))
            away.clear()
            await wait_until(lambda: worker.attempts.counts["refreshed"] == 50)
    assert worker.attempts.failing == 0
    assert [entry["event"] for entry in logs] == ["service_away"]


async def test_a_service_that_says_when_to_come_again_is_taken_at_its_word(refresher, watch):
    async def does(target):
        raise ServiceAwayError("too much", retry_after_s=40.0)

    await watch("AAPL", "MSFT")
    worker = refresher(does, concurrency=1)
    async with running(worker):
        await wait_until(lambda: worker.attempts.pause_s)
        assert 35 < worker.attempts.pause_s <= 40
        assert not await worker.refresh_now(Target("MSFT"))
    assert len(worker.calls) == 1


async def test_nobody_is_left_alone_for_more_than_an_hour(refresher):
    async def does(target):
        raise ServiceAwayError("good-bye", retry_after_s=1e9)

    worker = refresher(does)
    assert not await worker.refresh_now(Target("AAPL"))
    assert worker.attempts.pause_s <= 3600


async def test_another_machine_may_still_reach_a_service_that_this_one_cannot(refresher, watch):
    async def does(target):
        raise ServiceAwayError("no route")

    await watch("AAPL")
    cut_off, other = refresher(does, backoff_s=60.0, lease_s=0.5), refresher(lease_s=0.5)
    async with running(cut_off):
        await wait_until(lambda: cut_off.calls)
        async with running(other):
            await wait_until(lambda: other.calls)


@pytest.mark.parametrize("singly", [True, False])
async def test_our_own_server_gone_away_is_nobodys_failure(refresher, singly):
    async def does(target):
        raise RedisConnectionError("gone")

    class Batched(type(refresher())):
        async def refresh_many(self, targets):
            raise RedisConnectionError("gone")

    worker = refresher(does)
    if not singly:
        worker.__class__ = Batched
    with pytest.raises(RedisConnectionError):
        await worker.refresh_now(Target("AAPL"))
    assert worker.attempts.counts == {}


async def test_the_heartbeat_counts_who_fails(refresher, watch, redis):
    async def fails(target):
        raise ValueError("no")

    await watch("AAPL")
    worker = refresher(fails, backoff_s=60.0)
    await worker.refresh_now(Target("AAPL"))
    async with running(worker):
        beat = from_json(await wait_until(lambda: redis.get("maf:refresher:scripted:heartbeat")))
    assert (beat["failing"], beat["failed"]) == (1, 1)

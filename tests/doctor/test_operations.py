"""The doctor looks at what goes on: each finding is bad exactly when there is something to do, and says what."""

from __future__ import annotations

import asyncio
import json

import pytest

from maf_core import publish
from maf_core.doctor import operations
from maf_core.doctor.findings import Finding
from maf_core.outbox.trading import set_trading
from maf_core.settings import Settings
from maf_core.streams.dead import newest
from maf_core.streams.names import DEAD
from maf_core.streams.publish import keep_bounded
from maf_core.streams.redrive import redrive


@pytest.fixture
def find(redis):
    """What this check finds, with these settings."""

    async def found(name: str, **settings) -> Finding:
        (finding,) = await getattr(operations, name)(redis, Settings(**settings))
        return finding

    return found


async def fill(redis, number: int) -> None:
    pipeline = redis.pipeline(transaction=False)
    for each in range(number):
        pipeline.xadd("in", {"n": each})
    await pipeline.execute()


async def test_services_and_their_configuration(redis, find):
    assert not (await find("services")).ok
    await redis.set("maf:service:a-1", json.dumps({"workers": []}))
    assert (await find("services")) == Finding("services", True, "a-1", "Run: maf service run")
    await redis.set("maf:service:b-2", json.dumps({"config": {"fault": "maf.yaml:1:1: wrong", "needs_restart": []}}))
    found = await find("services")
    assert (found.ok, found.detail) == (False, "b-2 goes on with its old configuration: maf.yaml:1:1: wrong")


async def test_trading(redis, find):
    assert (await find("trading")).ok
    await set_trading(redis, "HALTED", "ann", "the feed is wrong")
    found = await find("trading")
    assert not found.ok
    assert "by ann: the feed is wrong" in found.detail
    assert "maf resume" in found.fix


async def test_dead_letters_until_they_are_redriven(redis, find):
    assert (await find("dead_letters")).ok
    entry_id = await publish(redis, "in", {})
    await redis.xgroup_create("in", "g", "$")
    await publish(redis, DEAD, {"stream": "in", "entry_id": entry_id, "group": "g", "reason": "shut"})
    found = await find("dead_letters")
    assert (found.ok, "g on in: shut" in found.detail) == (False, True)
    await redrive(redis, (await newest(redis, 1))[0])
    assert (await find("dead_letters")).ok


async def test_a_group_that_nobody_consumes_for(redis, find):
    await fill(redis, 3)
    await keep_bounded(redis, "in")
    assert (await find("streams")).ok
    await redis.xgroup_create("in", "g", "0")
    found = await find("streams")
    assert (found.ok, "nobody consumes for g" in found.detail) == (False, True)


async def test_a_lag_that_grows_and_one_that_does_not(redis, find):
    await fill(redis, 200)
    await keep_bounded(redis, "in")
    await redis.xgroup_create("in", "g", "0")
    await redis.xreadgroup("g", "c", {"in": ">"}, count=1)
    assert (await find("streams")).ok
    looking = asyncio.create_task(find("streams"))
    while not looking.done():
        await fill(redis, 1)
        await asyncio.sleep(0.02)
    found = await looking
    assert not found.ok
    assert "the lag of g grows" in found.detail


async def test_many_troubles_are_counted(redis, find):
    await fill(redis, 3)
    await keep_bounded(redis, "in")
    for number in range(5):
        await redis.xgroup_create("in", f"g{number}", "0")
    assert (await find("streams")).detail.endswith("; and 2 more")

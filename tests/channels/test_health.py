"""What is wrong with a stream is said: too long, unattended, or something was lost."""

from __future__ import annotations

import pytest

from maf_core.channels import streams_health
from maf_core.settings import Settings
from maf_core.streams.bounds import drop
from maf_core.streams.names import GROUPS
from maf_core.streams.publish import keep_bounded


async def fill(redis, stream: str, number: int) -> None:
    pipeline = redis.pipeline(transaction=False)
    for each in range(number):
        pipeline.xadd(stream, {"n": each})
    await pipeline.execute()


@pytest.fixture
def problems(redis):
    async def found(**settings) -> dict[str, list[str]]:
        every = await streams_health(redis, Settings(**settings))
        return {health.standing.stream: list(health.problems()) for health in every}

    return found


async def test_bounded_streams_and_those_the_settings_name_are_looked_at(redis, problems):
    await keep_bounded(redis, "written")
    await redis.sadd(GROUPS, "read\ng")
    assert await problems(stream_maxlens={"mine": 5}) == {"mine": [], "read": [], "written": []}


async def test_a_stream_over_its_own_limit(redis, problems):
    await fill(redis, "in", 1300)
    await keep_bounded(redis, "in")
    assert await problems(stream_maxlen=2000) == {"in": []}
    (said,) = (await problems(stream_maxlen=2000, stream_maxlens={"in": 1000}))["in"]
    assert "1300 entries" in said
    assert "1000 are kept" in said


async def test_a_group_with_work_and_nobody_to_do_it(redis, problems):
    await fill(redis, "in", 3)
    await keep_bounded(redis, "in")
    await redis.xgroup_create("in", "idle", "$")
    assert await problems() == {"in": []}
    await redis.xgroup_create("in", "left", "0")
    assert await problems() == {"in": ["nobody consumes for left: 3 entries undelivered, 0 unacknowledged"]}
    await redis.xreadgroup("left", "c1", {"in": ">"}, count=1)
    assert await problems() == {"in": []}


async def test_what_was_lost_stays_said(redis, problems):
    await fill(redis, "in", 900)
    await keep_bounded(redis, "in")
    await redis.xgroup_create("in", "g", "0")
    await redis.xreadgroup("g", "c1", {"in": ">"}, count=50)
    gone, lost = await drop(redis, "in", 100)
    assert lost == {"g": gone}
    assert (await problems())["in"] == [f"g lost {gone} entries that it had not acknowledged"]


async def test_a_key_that_is_no_stream(redis, problems):
    await redis.set("text", "x")
    (said,) = (await problems(stream_maxlens={"text": 5}))["text"]
    assert "cannot be read as a stream" in said

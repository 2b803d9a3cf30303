"""What the probe of each kind of freshness finds on the server."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maf_core import (
    ExternalFreshness,
    KeyFreshness,
    RequestResponseFreshness,
    ScanFreshness,
    StreamFreshness,
)
from maf_core.sources.freshness import Freshness, probe

KINDS = {
    "stream": StreamFreshness("t:s"),
    "key": KeyFreshness("t:*", "t:emitted"),
    "scan": ScanFreshness("t:", "t:emitted"),
    "external": ExternalFreshness(),
    "request_response": RequestResponseFreshness("t:asked", "t:answered"),
}


async def written(redis, stream: str, seconds_ago: float) -> None:
    await redis.xadd(stream, {"data": "{}"}, id=f"{int((time.time() - seconds_ago) * 1000)}-0")


@pytest.mark.parametrize("kind", KINDS)
async def test_an_empty_server_has_nothing_and_no_age(redis, kind):
    assert await probe(redis, KINDS[kind]) == Freshness(kind, 0, None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_spec_can_be_compared_and_stand_in_a_set(kind):
    assert {KINDS[kind]} == {replace(KINDS[kind])}


@pytest.mark.parametrize(
    ("spec", "stream"),
    [(StreamFreshness("t:s"), "t:s"), (RequestResponseFreshness("t:asked", "t:answered"), "t:answered")],
)
async def test_a_stream_has_its_length_and_the_age_of_its_last_entry(redis, spec, stream):
    await written(redis, stream, 500)
    await written(redis, stream, 100)
    found = await probe(redis, spec)
    assert found.count == 2
    assert 100 <= found.age_s < 110


async def test_questions_that_nobody_answered_are_not_fresh(redis):
    await written(redis, "t:asked", 1)
    assert await probe(redis, KINDS["request_response"]) == Freshness("request_response", 0, None)


@pytest.mark.parametrize(
    ("with_stream", "without"),
    [
        (KeyFreshness("t:k:*", "t:emitted"), KeyFreshness("t:k:*")),
        (ScanFreshness("t:k:", "t:emitted"), ScanFreshness("t:k:")),
    ],
)
async def test_keys_are_counted_and_dated_by_the_emit_stream_alone(redis, with_stream, without):
    for name in ("t:k:1", "t:k:2", "t:other"):
        await redis.set(name, "x", ex=1000)
    await written(redis, "t:emitted", 40)
    kind = (await probe(redis, without)).kind
    assert await probe(redis, without) == Freshness(kind, 2, None)
    found = await probe(redis, with_stream)
    assert found.count == 2
    assert 40 <= found.age_s < 50


async def keys(redis, *names: str) -> None:
    """Set these."""
    pipeline = redis.pipeline(transaction=False)
    for name in names:
        pipeline.set(name, "x")
    await pipeline.execute()


async def test_many_keys_are_each_counted_once(redis):
    await keys(redis, *(f"t:{number}" for number in range(2500)))
    assert (await probe(redis, ScanFreshness("t:"))).count == 2500


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(prefix=st.text(alphabet="ab*?[]\\^-", min_size=1, max_size=6))
async def test_a_prefix_is_taken_literally(redis, prefix):
    await redis.flushall()
    await keys(redis, f"{prefix}x", f"z{prefix}", "a")
    expected = sum(name.startswith(prefix) for name in (f"{prefix}x", f"z{prefix}", "a"))
    assert (await probe(redis, ScanFreshness(prefix))).count == expected


async def test_an_entry_from_a_server_whose_clock_is_ahead_has_no_negative_age(redis):
    await written(redis, "t:s", -3600)
    assert (await probe(redis, KINDS["stream"])).age_s == 0.0

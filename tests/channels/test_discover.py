"""Channels that nobody names are found on the server."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from maf_core import ChannelSpec
from maf_core.channels import discover_channels
from maf_core.streams.names import EXECUTIONS, beside


@pytest.fixture
def discover(redis, load):
    async def found(**more) -> dict[str, bool]:
        plugins = load(ChannelSpec(name="bars", stream="t:bars:1d"))
        return {channel.stream: channel.known for channel in await discover_channels(redis, plugins, {}, **more)}

    return found


async def test_streams_beside_those_that_are_named_are_found(redis, discover):
    for stream in ("t:bars:1d", "t:ticks", "maf:arena:gone:output", "other:stream", beside(EXECUTIONS, "trading")):
        await redis.xadd(stream, {"data": "{}"})
    await redis.set("t:text", "no stream")
    found = await discover()
    assert {stream for stream, known in found.items() if not known} == {"t:ticks", "maf:arena:gone:output"}
    assert found["t:bars:1d"] is True
    assert list(found) == sorted(found)


async def test_names_that_are_no_text_are_found_too(redis, discover):
    await redis.xadd(b"t:\xff\x1b[2J", {"data": "{}"})
    assert [stream for stream, known in (await discover()).items() if not known] == ["t:\ufffd\x1b[2J"]


async def test_a_search_that_takes_too_long_is_cut_short_and_says_so(redis, discover):
    pipeline = redis.pipeline(transaction=False)
    for number in range(5000):
        pipeline.set(f"t:{number}", "x")
    await pipeline.execute()
    with capture_logs() as logs:
        found = await discover(patience_s=0.0)
    assert found["t:bars:1d"] is True
    assert [line["event"] for line in logs] == ["streams_not_all_found"]

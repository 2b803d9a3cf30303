"""The streams that rules watch come and go while the dispatcher runs."""

from __future__ import annotations

import pytest

from maf_core import publish
from maf_core.arenas.config import ArenaConfig
from maf_core.plane import watched
from maf_core.plane.refusals import recent_refusals
from maf_core.plane.triggers import TriggerDispatcher
from maf_core.plane.watched import Watched
from maf_core.streams import codec
from maf_core.streams.names import CONTROL_IN
from maf_core.streams.quiet import until_quiet
from maf_core.streams.raw import entries
from maf_core.testing import running

GROUP = "maf:triggers"
PHASES = [{"name": "decide", "agents": [{"name": "verdict", "role": "synthesis"}]}]


def arena(*streams: str) -> ArenaConfig:
    triggers = [
        {"id": f"rule{number}", "on_stream": stream, "target": "{payload.symbol}"}
        for number, stream in enumerate(streams)
    ]
    return ArenaConfig.model_validate({"name": "panel", "phases": PHASES, "triggers": triggers})


@pytest.fixture
def dispatcher(make_context, brisk):
    def make(*streams: str) -> tuple[TriggerDispatcher, dict]:
        context = make_context(arenas=[arena(*streams)])
        return brisk(TriggerDispatcher(context)), context.arenas

    return make


async def groups(redis, stream: str) -> list[str]:
    return [group["name"].decode() for group in await redis.xinfo_groups(stream)]


async def fired(redis) -> list[str]:
    found = [codec.decode(fields) for _, fields in entries(await redis.xrange(CONTROL_IN))]
    return [command["target"]["ticker"] for command in found]


async def test_a_stream_that_no_rule_watches_any_more_loses_its_group(redis, dispatcher):
    first, arenas = dispatcher("test:a", "test:b")
    async with running(first):
        arenas["panel"] = arena("test:a")  # as a reload does, before the dispatcher is made anew
    async with running(dispatcher("test:a")[0]):
        assert (await groups(redis, "test:a"), await groups(redis, "test:b")) == ([GROUP], [])
        await publish(redis, "test:b", {"symbol": "AAPL"})
        await until_quiet(redis)
    assert await fired(redis) == []


async def test_one_that_a_service_watched_an_hour_ago_keeps_its_place(redis, dispatcher):
    async with running(dispatcher("test:a", "test:b")[0]):
        pass
    async with running(dispatcher("test:a")[0]):  # of another service, with other arenas
        assert await groups(redis, "test:b") == [GROUP]
        await publish(redis, "test:b", {"symbol": "AAPL"})
    async with running(dispatcher("test:a", "test:b")[0]):
        await until_quiet(redis)
    assert await fired(redis) == ["AAPL"]


async def test_one_that_nobody_has_watched_for_an_hour_does_not(redis, dispatcher, monkeypatch):
    monkeypatch.setattr(watched, "_ALIVE_MS", 0)  # and who died there, an hour ago
    await Watched(redis, GROUP, ["test:b"]).renew()
    async with running(dispatcher("test:b")[0]):
        await publish(redis, "test:b", {"symbol": "AAPL"})
        await until_quiet(redis)
    await redis.xgroup_createconsumer("test:b", GROUP, "killed")
    await redis.delete("maf:{test:b}:watched:maf:triggers")
    async with running(dispatcher("test:a")[0]):
        assert await groups(redis, "test:b") == []
        await until_quiet(redis)


async def test_one_that_somebody_reads_stays_whatever_the_mark_says(redis, dispatcher):
    async with running(dispatcher("test:a", "test:b")[0]):
        await redis.xgroup_createconsumer("test:b", GROUP, "alive")
        await redis.delete("maf:{test:b}:watched:maf:triggers")
        await Watched(redis, GROUP, ["test:a"]).renew()
        assert await groups(redis, "test:b") == [GROUP]


async def test_a_stream_that_is_gone_is_forgotten(redis, dispatcher):
    first, arenas = dispatcher("test:a", "test:b")
    async with running(first):
        arenas["panel"] = arena("test:a")
    await redis.delete("test:b")
    async with running(dispatcher("test:a")[0]):
        assert await redis.smembers("maf:groups") == {b"test:a\nmaf:triggers"}


async def test_a_new_stream_begins_when_it_is_taken_up(redis, dispatcher):
    await publish(redis, "test:new", {"symbol": "OLD"})
    async with running(dispatcher("test:a", "test:new")[0]):
        await publish(redis, "test:new", {"symbol": "NEW"})
        await until_quiet(redis)
    assert await fired(redis) == ["NEW"]


async def test_a_key_that_is_no_stream_does_not_silence_the_other_rules(redis, dispatcher):
    await redis.set("test:b", "a string")
    async with running(dispatcher("test:a", "test:b")[0]):
        await publish(redis, "test:a", {"symbol": "AAPL"})
        await until_quiet(redis)
    assert await fired(redis) == ["AAPL"]
    (noted,) = await recent_refusals(redis)
    assert noted["reason"] == "'test:b' holds a string, not a stream; the rules that watch it never fire"

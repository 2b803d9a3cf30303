"""A badge for each binding, whatever is wrong with one of them."""

from __future__ import annotations

import time

import pytest

from maf_core import publish
from maf_core.plugins import PluginManager, Selection
from maf_core.sources.badges import Badge, badges

BOUND = {
    "bars": ("trtools2_bars", {}),
    "hourly": ("trtools2_bars", {"timeframe": "1h"}),
    "answers": ("fomo2_request", {}),
    "api": ("trtools2_api", {}),
    "old": ("alpaca_bars", {"feed": "iex"}),
    "wrong": ("trtools2_bars", {"timeframe": "soon"}),
    "nobody": ("nobodys_source", {}),
}


@pytest.fixture
def found(redis):
    async def look():
        plugins = PluginManager.load(Selection())
        return {badge.binding: badge for badge in await badges(redis, plugins, BOUND)}

    return look


async def test_nothing_there_looks_like_nothing_there(found):
    badge = (await found())["bars"]
    assert (badge.kind, badge.count, badge.age_s) == ("stream", 0, None)
    assert str(badge) == "0 entries"


async def test_each_binding_has_the_freshness_of_what_it_reads(redis, found):
    for _ in range(3):
        await publish(redis, "trtools2:bars:1h", {})
    await redis.xadd("fomo2:responses", {"data": "{}"}, id=f"{int((time.time() - 7200) * 1000)}-0")
    there = await found()
    assert (there["bars"].count, there["hourly"].count) == (0, 3)
    assert str(there["answers"]) == "1 entries, newest 2 h ago"
    assert list(there) == list(BOUND)


async def test_what_keeps_nothing_here_is_not_called_empty(found):
    assert str((await found())["api"]) == "asked at every call"


async def test_a_replaced_source_says_by_what(found):
    assert str((await found())["old"]) == "replaced: bind trtools2_bars instead"


async def test_a_binding_that_is_wrong_spoils_no_other(redis, found):
    await redis.set("trtools2:bars:1d", "no stream")
    there = await found()
    assert "timeframe" in there["wrong"].fault
    assert "nobodys_source" in there["nobody"].fault
    assert there["bars"].fault
    assert there["hourly"] == Badge("hourly", "trtools2_bars", "stream", 0)

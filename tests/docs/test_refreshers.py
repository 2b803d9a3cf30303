"""The refresher in the docs refreshes."""

from __future__ import annotations

import re
from pathlib import Path

from maf_core import publish
from maf_core.plane.watch import WatchList
from maf_core.settings import WatchSettings
from maf_core.testing import running, wait_until

PAGE = (Path(__file__).parents[2] / "docs" / "refreshers.md").read_text()


async def test_the_refresher_in_the_docs_works(make_context, redis, clock):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    scope: dict[str, type] = {}
    exec(code, scope)
    for day, close in ((28, 99.0), (29, 101.0)):
        prices = {"o": close, "h": close, "l": close, "c": close, "v": 1}
        await publish(redis, "trtools2:bars:1d", {"symbol": "AAPL", "t": f"2023-12-{day}T05:00:00Z", **prices})
    await WatchList(redis).add("AAPL", "symbol", 60)

    async def cached() -> bool:
        return await redis.get("mine:high:AAPL") == b"101.0"

    async with running(scope["HighRefresher"](make_context())):
        await wait_until(cached)


def test_the_page_says_what_is_set_by_default():
    assert WatchSettings().arena_ttl_s == WatchSettings().trigger_ttl_s == 7 * 86_400
    assert [name for name in WatchSettings.model_fields if f"`watch.{name}`" not in PAGE] == []

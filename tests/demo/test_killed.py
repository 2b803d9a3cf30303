"""The demo's scene, with the service killed again and again: the decisions are those of an undisturbed run."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from maf_core.clock import ServiceClock, parse_time
from maf_core.demo.children import Child, Children
from maf_core.demo.tally import ArenaTally, complaints, forecasts_made, tally
from maf_core.plane.watch import WatchList
from maf_core.service import heartbeat_key
from maf_core.streams.names import CLOCK, DEAD
from maf_core.streams.quiet import until_quiet
from maf_core.testing import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

SYMBOLS, FIRST, BEFORE, LAST = "AAPL,IBM", "2012-03-01", "2012-02-29", "2012-05-15"
KILL_AFTER = (20, 45, 70)


def replay(first: str, last: str, speed: str) -> list[str]:
    days = ["--from", first, "--to", last, "--symbols", SYMBOLS, "--speed", speed]
    return ["trtools2", "replay", "--sample", "--json", *days]


async def undisturbed() -> dict:
    words = ["demo", "--json", "--from", FIRST, "--to", LAST, "--symbols", SYMBOLS]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "maf_core", *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    out, _ = await process.communicate()
    return json.loads(out)


async def started_service(redis, children: Children, url: str) -> Child:
    service = await children.start("service", "run", environment={"MAF_KRONOS_URL": url, "MAF_LEASE_S": "1"})
    await wait_until(lambda: redis.exists(heartbeat_key(service.process.pid)), 30)
    return service


async def played(redis) -> int:
    return json.loads(await redis.get(CLOCK) or b"{}").get("played", 0)


async def test_killing_the_service_changes_no_decision(redis, redis_url: str, tmp_path: Path):
    children = Children(tmp_path, {"REDIS_URL": redis_url})
    beside = asyncio.create_task(undisturbed())
    try:
        found = await disturbed(redis, children)
    finally:
        await children.stop()
        calm = await beside
    arena = found.arenas["trading_intelligence"]
    assert complaints("trading_intelligence", arena) == []
    assert found.decisions_digest == calm["decisions_digest"]
    assert arena == ArenaTally(**calm["arenas"]["trading_intelligence"])
    assert (found.outcomes["fill"], found.outcomes["close"]) == (calm["fills"], calm["outcomes"])
    assert await redis.xlen(DEAD) == 0


async def disturbed(redis, children: Children):
    for symbol in SYMBOLS.split(","):
        await WatchList(redis).add(symbol, "symbol", 3600)
    forecaster = await children.start("kronos", "serve", "--port", "0")
    await children.run(*replay("2011-01-06", BEFORE, "max"))
    await ServiceClock(redis).hold(parse_time(FIRST))
    url = (await forecaster.first_line(60)).split()[3]
    service = await started_service(redis, children, url)
    await wait_until(lambda: forecasts_are(redis, 2), 30)
    await until_quiet(redis)
    playing = await children.start(*replay(FIRST, LAST, "lockstep"))
    ended = asyncio.create_task(playing.output())
    for count in KILL_AFTER:
        await wait_until(lambda count=count: has_played(redis, count), 60)
        service.process.kill()
        await service.process.wait()
        service = await started_service(redis, children, url)
    await ended
    return await tally(redis, ["trading_intelligence"])


async def forecasts_are(redis, count: int) -> bool:
    return await forecasts_made(redis) >= count


async def has_played(redis, count: int) -> bool:
    return await played(redis) >= count

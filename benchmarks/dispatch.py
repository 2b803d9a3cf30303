"""Trigger rules: entries a second that one dispatcher asks a hundred rules about.

The service's own worker, on one stream of entries with a hundred numbers each (1.2 KB). Every rule is about another
number, half of them about the symbol too; one entry in a thousand makes a rule fire, which sends its command. Exits 1
when the target is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from redis.asyncio import Redis
from shared import load, verdict

from maf_core.arenas.config import ArenaConfig
from maf_core.context import AppContext
from maf_core.plane.triggers import GROUP, TriggerDispatcher
from maf_core.plugins import PluginManager, Selection
from maf_core.settings import Settings
from maf_core.streams.codec import encode
from maf_core.streams.connect import connect
from maf_core.streams.embedded import EmbeddedServer
from maf_core.streams.names import CONTROL_IN
from maf_core.testing import wait_until

STREAM = "bench:rules"
RULES = 100
TARGET = 20_000.0
ONE_IN = 1000
CALM = {"symbol": "AAPL", "as_of": "2024-01-02T21:00:00+00:00", **{f"f{n}": 0.125 for n in range(RULES)}}


def arena() -> ArenaConfig:
    """An arena with all the rules."""

    def rule(n: int) -> dict[str, Any]:
        also = ' and payload.symbol in ["AAPL", "MSFT"]' if n % 2 else ""
        return {"id": f"r{n}", "on_stream": STREAM, "when": f"payload.f{n} > 1{also}", "target": "{payload.symbol}"}

    phases = [{"name": "decide", "agents": [{"name": "nobody", "role": "nobody"}]}]
    return ArenaConfig.model_validate({"name": "bench", "phases": phases, "triggers": [rule(n) for n in range(RULES)]})


async def fill(redis: Redis, count: int) -> None:
    calm: Any = encode(CALM)
    for start in range(0, count, ONE_IN):
        pipeline = redis.pipeline(transaction=False)
        for _ in range(ONE_IN - 1):
            pipeline.xadd(STREAM, calm)
        wild: Any = encode({**CALM, f"f{start // ONE_IN % RULES}": 2.0})
        pipeline.xadd(STREAM, wild)
        await pipeline.execute()


async def quiet(redis: Redis) -> bool:
    """Whether every entry has been acknowledged."""
    (group,) = await redis.xinfo_groups(STREAM)
    return not (group["lag"] or group["pending"])


async def once(redis: Redis, context: AppContext, count: int) -> float:
    """Entries a second of a dispatcher that begins at the start of the stream."""
    await redis.delete(CONTROL_IN)
    await redis.xgroup_create(STREAM, GROUP, "0")
    dispatcher, stop = TriggerDispatcher(context), asyncio.Event()
    await dispatcher.prepare()
    started = time.perf_counter()
    running = asyncio.create_task(dispatcher.run(stop))
    await wait_until(partial(quiet, redis), timeout_s=600)
    took = time.perf_counter() - started
    stop.set()
    await running
    assert await redis.xlen(CONTROL_IN) == count // ONE_IN
    await redis.xgroup_destroy(STREAM, GROUP)
    keys = [key async for key in redis.scan_iter("maf:{maf:control:in}:*")]
    await redis.delete(*keys)
    return count / took


async def measure(count: int, rounds: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedServer(Path(folder), appendfsync="everysec")
        await server.start()
        async with connect(server.url) as redis:
            context = AppContext.create(redis, Settings(), PluginManager.load(Selection()), {"bench": arena()})
            await fill(redis, count)
            rates = [await once(redis, context, count) for _ in range(rounds)]
        await server.stop()
    return median(rates)


def main(options: argparse.Namespace) -> int:
    rate = asyncio.run(measure(options.count, options.rounds))
    print(f"{len(encode(CALM)[b'data'])} bytes an entry, {load()}")
    print(f"{RULES} rules  {rate:10,.0f} entries/s")
    return verdict([(f"at least {TARGET:,.0f} entries a second", rate >= TARGET)])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    sys.exit(main(parser.parse_args()))

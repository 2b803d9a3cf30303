"""Consume, decode and acknowledge: MAF's consumer beside a bare redis-py loop and FastStream, interleaved in one run.

- `bare`: reads batches, decodes each entry with MAF's decoder, acknowledges the batch. No retries, no take-over.
- `maf`: `GroupConsumer` with a handler that is called with one decoded entry at a time.
- `faststream batch`, `faststream single`: its subscribers as its documentation has them, with a group, on entries that
  its own broker published; it decodes them into dicts (with orjson, which it uses where it finds it) and acknowledges.

Prints medians of entries per second and their ratios, which other load on the machine leaves alone. Exits 1 when a
target is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import Any

from pydantic_core import from_json
from redis.asyncio import Redis
from shared import load, verdict

from maf_core.streams.codec import encode
from maf_core.streams.connect import connect
from maf_core.streams.consume import ConsumerOptions, Entry, GroupConsumer
from maf_core.streams.embedded import EmbeddedServer

PLAIN, THEIRS, FEW = "bench:maf", "bench:faststream", "bench:faststream:few"
BATCH = 100
PAYLOAD = {
    "symbol": "AAPL",
    "prob_up": 0.61,
    "steps": [{"t": i, "mean": 1.5 * i, "p10": 1.0, "p90": 2.0} for i in range(29)],
}
# The rate of the one is at least so many times that of the other.
TARGETS = {("maf", "bare"): 0.8, ("maf", "faststream batch"): 2.0, ("maf", "faststream single"): 10.0}


async def fill(redis: Redis, count: int) -> None:
    fields: Any = encode(PAYLOAD)
    for _ in range(count // 1000):
        pipeline = redis.pipeline(transaction=False)
        for _ in range(1000):
            pipeline.xadd(PLAIN, fields)
        await pipeline.execute()


async def fill_theirs(url: str, stream: str, count: int) -> None:
    from faststream.redis import RedisBroker

    async with RedisBroker(url, logger=None) as broker:
        for _ in range(count):
            await broker.publish(PAYLOAD, stream=stream)


async def bare(redis: Redis, group: str) -> int:
    seen, count = 0, await redis.xlen(PLAIN)
    while seen < count:
        answer: Any = await redis.xreadgroup(group, "c", {PLAIN: ">"}, count=BATCH, block=1000)
        for _, entries in answer:
            for _, fields in entries:
                from_json(fields[b"data"], cache_strings="keys")
            await redis.xack(PLAIN, group, *(entry_id for entry_id, _ in entries))
            seen += len(entries)
    return seen


async def maf(redis: Redis, group: str) -> int:
    stop, seen, count = asyncio.Event(), 0, await redis.xlen(PLAIN)

    async def handle(_: Entry) -> None:
        nonlocal seen
        seen += 1
        if seen == count:
            stop.set()

    await GroupConsumer(redis, group, [PLAIN], "c", ConsumerOptions(start="0", batch=BATCH)).run(handle, stop)
    return seen


async def faststream_batch(redis: Redis, group: str) -> int:
    from faststream.redis import RedisBroker, StreamSub

    broker, done, seen, count = RedisBroker(url_of(redis), logger=None), asyncio.Event(), 0, await redis.xlen(THEIRS)

    async def handle(entries: list[dict[str, Any]]) -> None:
        nonlocal seen
        seen += len(entries)
        if seen >= count:
            done.set()

    broker.subscriber(stream=StreamSub(THEIRS, group=group, consumer="c", batch=True, max_records=BATCH))(handle)
    async with broker:
        await broker.start()
        await done.wait()
    return seen


async def faststream_single(redis: Redis, group: str) -> int:
    from faststream.redis import RedisBroker, StreamSub

    broker, done, seen, count = RedisBroker(url_of(redis), logger=None), asyncio.Event(), 0, await redis.xlen(FEW)

    async def handle(_: dict[str, Any]) -> None:
        nonlocal seen
        seen += 1
        if seen >= count:
            done.set()

    broker.subscriber(stream=StreamSub(FEW, group=group, consumer="c"))(handle)
    async with broker:
        await broker.start()
        await done.wait()
    return seen


CONTENDERS: dict[str, tuple[str, Callable[[Redis, str], Awaitable[int]]]] = {
    "bare": (PLAIN, bare),
    "maf": (PLAIN, maf),
    "faststream batch": (THEIRS, faststream_batch),
    "faststream single": (FEW, faststream_single),
}


def url_of(redis: Redis) -> str:
    return f"redis://127.0.0.1:{redis.connection_pool.connection_kwargs['port']}"


async def once(redis: Redis, name: str, group: str) -> float:
    """Entries per second of a group that begins at the start of the stream."""
    stream, consume = CONTENDERS[name]
    await redis.xgroup_create(stream, group, "0")
    started = time.perf_counter()
    seen = await consume(redis, group)
    took = time.perf_counter() - started
    left: Any = await redis.xpending(stream, group)
    assert left["pending"] == 0, f"{name} left {left['pending']} entries unacknowledged"
    await redis.xgroup_destroy(stream, group)
    return seen / took


async def measure(count: int, rounds: int, names: list[str]) -> dict[str, float]:
    rates: dict[str, list[float]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedServer(Path(folder), appendfsync="everysec")
        await server.start()
        async with connect(server.url) as redis:
            await fill(redis, count)
            if any(name.startswith("faststream") for name in names):
                await fill_theirs(url_of(redis), THEIRS, count)
                await fill_theirs(url_of(redis), FEW, count // 10)
            for number in range(rounds):
                for name in names:
                    rates[name].append(await once(redis, name, f"{name} {number}"))
        await server.stop()
    return {name: median(found) for name, found in rates.items()}


def main(options: argparse.Namespace) -> int:
    names = options.peers.split(",")
    rates = asyncio.run(measure(options.count, options.rounds, names))
    print(f"{len(encode(PAYLOAD)[b'data'])} bytes an entry, {load()}")
    for name, rate in rates.items():
        print(f"{name:18} {rate:10,.0f} entries/s  {rate / rates['bare']:5.2f} of the bare loop")
    return verdict(
        (f"{one} at least {target} times {other}: {rates[one] / rates[other]:.2f}", rates[one] >= target * rates[other])
        for (one, other), target in TARGETS.items()
        if one in rates and other in rates
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--peers", default=",".join(CONTENDERS))
    sys.exit(main(parser.parse_args()))

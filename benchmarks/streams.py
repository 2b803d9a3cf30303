"""Consume, decode and acknowledge: MAF's consumer beside a bare redis-py loop and FastStream, interleaved in one run.

Prints entries per second and each one's ratio to the bare loop. Ratios compare; the machine's noise cancels out. All
decode with the same decoder, or it would decide: with the standard library's the bare loop is a third slower.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from pydantic_core import from_json
from redis.asyncio import Redis

from maf_core.streams.codec import encode
from maf_core.streams.connect import connect
from maf_core.streams.consume import ConsumerOptions, Entry, GroupConsumer
from maf_core.streams.embedded import EmbeddedServer

STREAM = "bench"
PAYLOAD = {
    "symbol": "AAPL",
    "prob_up": 0.61,
    "steps": [{"t": i, "mean": 1.5 * i, "p10": 1.0, "p90": 2.0} for i in range(20)],
}


async def fill(redis: Redis, count: int) -> None:
    await redis.delete(STREAM)
    fields = encode(PAYLOAD)
    for _ in range(count // 1000):
        pipeline = redis.pipeline(transaction=False)
        for _ in range(1000):
            pipeline.xadd(STREAM, fields)
        await pipeline.execute()


async def bare(redis: Redis, count: int, batch: int) -> None:
    await redis.xgroup_create(STREAM, "bare", "0")
    seen = 0
    while seen < count:
        answer = await redis.xreadgroup("bare", "c", {STREAM: ">"}, count=batch, block=1000)
        for _, entries in answer:
            for _, fields in entries:
                from_json(fields[b"data"])
            await redis.xack(STREAM, "bare", *(entry_id for entry_id, _ in entries))
            seen += len(entries)


async def maf(redis: Redis, count: int, batch: int) -> None:
    stop, seen = asyncio.Event(), 0

    async def handle(_: Entry) -> None:
        nonlocal seen
        seen += 1
        if seen == count:
            stop.set()

    await GroupConsumer(redis, "maf", [STREAM], "c", ConsumerOptions(start="0", batch=batch)).run(handle, stop)


async def faststream(redis: Redis, count: int, batch: int) -> None:
    from faststream.redis import RedisBroker, StreamSub

    port = redis.connection_pool.connection_kwargs["port"]
    await redis.xgroup_create(STREAM, "faststream", "0")
    broker, done, seen = RedisBroker(f"redis://127.0.0.1:{port}", logger=None), asyncio.Event(), 0

    @broker.subscriber(stream=StreamSub(STREAM, group="faststream", consumer="c", batch=True, max_records=batch))
    async def handle(entries: list[dict[str, str]]) -> None:
        nonlocal seen
        for entry in entries:
            from_json(entry["data"])  # FastStream decodes only what it wrote itself
        seen += len(entries)
        if seen >= count:
            done.set()

    async with broker:
        await broker.start()
        await done.wait()


CONTENDERS: dict[str, Callable[[Redis, int, int], Awaitable[None]]] = {
    "bare": bare,
    "maf": maf,
    "faststream": faststream,
}


async def main(count: int, batch: int, rounds: int, names: list[str]) -> None:
    rates: dict[str, list[float]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedServer(Path(folder))
        await server.start()
        async with connect(server.url) as redis:
            for _ in range(rounds):
                for name in names:
                    await fill(redis, count)
                    started = time.perf_counter()
                    await CONTENDERS[name](redis, count, batch)
                    rates[name].append(count / (time.perf_counter() - started))
        await server.stop()
    base = statistics.median(rates["bare"])
    for name, found in rates.items():
        rate = statistics.median(found)
        print(f"{name:12} {rate:10,.0f} entries/s  {rate / base:5.2f} of the bare loop")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", default="bare,maf,faststream")
    options = parser.parse_args()
    asyncio.run(main(options.count, options.batch, options.rounds, options.peers.split(",")))

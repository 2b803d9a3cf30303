"""Hold the entries of stream `in`, side by side, until a line comes in; say what was begun: stall.py URL LEASE."""

from __future__ import annotations

import asyncio
import sys

from maf_core.streams.connect import connect
from maf_core.streams.consume import FROM_START, ConsumerOptions, Entry, GroupConsumer


async def main(url: str, lease: str) -> None:
    """Consume until killed; entries are finished once a line has come in."""
    may_end = asyncio.Event()

    async def hold(entry: Entry) -> None:
        print(entry.id, flush=True)
        await may_end.wait()
        if "fails" in entry.payload:
            raise RuntimeError("it cannot be handled")

    async with connect(url) as redis:
        options = ConsumerOptions(start=FROM_START, lease_s=float(lease), block_ms=10, concurrency=4, attempts=1)
        consuming = asyncio.create_task(GroupConsumer(redis, "g", ["in"], "stalls", options).run(hold, asyncio.Event()))
        await asyncio.to_thread(sys.stdin.readline)
        may_end.set()
        await consuming


asyncio.run(main(*sys.argv[1:]))

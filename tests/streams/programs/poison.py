"""Note every entry of the streams, and die over one that is poison: poison.py URL CONSUMER CONCURRENCY STREAM…"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from maf_core.streams.connect import connect
from maf_core.streams.consume import FROM_START, ConsumerOptions, Entry, GroupConsumer
from maf_core.streams.quiet import until_quiet


async def main(url: str, name: str, concurrency: str, *streams: str) -> None:
    """Consume until killed, or until nothing is left to do."""
    async with connect(url) as redis:

        async def note(entry: Entry) -> None:
            if "poison" in entry.payload:
                os.kill(os.getpid(), signal.SIGKILL)
            await redis.hincrby("handled", entry.id, 1)

        stop = asyncio.Event()
        options = ConsumerOptions(
            start=FROM_START, lease_s=0.2, block_ms=10, max_deliveries=3, concurrency=int(concurrency)
        )
        consumer = GroupConsumer(redis, "g", streams, name, options)
        await consumer.create_groups()
        consuming = asyncio.create_task(consumer.run(note, stop))
        await until_quiet(redis)
        stop.set()
        await consuming


asyncio.run(main(*sys.argv[1:]))

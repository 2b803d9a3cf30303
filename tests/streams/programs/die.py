"""Die over every entry of stream `in`, as a process that runs out of memory does: die.py URL CONSUMER LEASE."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from maf_core.streams.connect import connect
from maf_core.streams.consume import FROM_START, ConsumerOptions, Entry, GroupConsumer
from maf_core.streams.names import DEAD
from maf_core.testing import wait_until


async def die(entry: Entry) -> None:
    """Be gone at once."""
    os.kill(os.getpid(), signal.SIGKILL)


async def main() -> None:
    """Consume until killed, or until the entry has been given up."""
    async with connect(sys.argv[1]) as redis:
        options = ConsumerOptions(start=FROM_START, lease_s=float(sys.argv[3]), block_ms=10, max_deliveries=2)
        stop = asyncio.Event()
        consuming = asyncio.create_task(GroupConsumer(redis, "g", ["in"], sys.argv[2], options).run(die, stop))
        await wait_until(lambda: redis.exists(DEAD), timeout_s=60)
        stop.set()
        await consuming


asyncio.run(main())

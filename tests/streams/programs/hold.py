"""Take an entry of stream `in`, say so, and never finish it: hold.py URL CONSUMER."""

from __future__ import annotations

import asyncio
import sys

from maf_core.streams.connect import connect
from maf_core.streams.consume import FROM_START, ConsumerOptions, Entry, GroupConsumer


async def hold(entry: Entry) -> None:
    """Hold the entry for ever."""
    print(entry.id, flush=True)
    await asyncio.Event().wait()


async def main() -> None:
    """Consume until killed."""
    async with connect(sys.argv[1]) as redis:
        options = ConsumerOptions(start=FROM_START, lease_s=60.0)
        await GroupConsumer(redis, "g", ["in"], sys.argv[2], options).run(hold, asyncio.Event())


asyncio.run(main())

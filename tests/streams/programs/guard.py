"""Use the embedded server of a folder, and guard it, until a line comes in: guard.py FOLDER."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from maf_core.streams.connect import server_url


async def main() -> None:
    """Start or join, say where, wait, leave."""
    async with server_url("embedded", Path(sys.argv[1])) as url:
        print(url, flush=True)
        await asyncio.to_thread(sys.stdin.readline)


asyncio.run(main())

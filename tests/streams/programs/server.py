"""Use the embedded server of a folder until a line comes in: server.py FOLDER."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from maf_core.streams.embedded import EmbeddedServer


async def main() -> None:
    """Start or join, say where, wait, leave."""
    server = EmbeddedServer(Path(sys.argv[1]))
    await server.start()
    print(server.url, flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await server.stop()


asyncio.run(main())

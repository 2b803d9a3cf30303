"""Clients that leave no connection open, whenever whoever uses them is cancelled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from maf_core.tasks import to_its_end


@asynccontextmanager
async def closing(client: Redis) -> AsyncIterator[Redis]:
    """The client, closed at the end. `async with client` forgets to close it when it is cancelled while it ends."""
    try:
        yield client
    finally:
        await to_its_end(client.aclose())

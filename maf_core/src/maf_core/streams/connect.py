"""Open a connection to `redis://`, `rediss://`, `unix://` or `embedded`."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import parse_url
from redis.exceptions import RedisError

from maf_core.errors import RedisUnavailableError, UsageError
from maf_core.streams.embedded import EmbeddedServer

EMBEDDED = "embedded"
_CONNECTIONS = 64
# A password before the host, or among the options.
_SECRET = re.compile(r"(//[^/@:]*:)[^/]*(?=@)|([?&]password=)[^&]*")
_SCHEMES = ("redis", "rediss", "unix")


def masked(url: str) -> str:
    """The URL without its password, for logs and messages."""
    return _SECRET.sub(r"\1\2***", url)


@asynccontextmanager
async def server_url(url: str, data_dir: Path, port: int | None = None) -> AsyncIterator[str]:
    """The address to connect to; for `embedded`, the server runs for as long as the context is open."""
    if url != EMBEDDED:
        _check_address(url)
        yield url
        return
    server = EmbeddedServer(data_dir, port=port)
    await server.start()
    try:
        yield server.url
    finally:
        await server.stop()


@asynccontextmanager
async def connect(url: str) -> AsyncIterator[Redis]:
    """A client that has been answered once.

    Raises `RedisUnavailableError`, with the address and what to do, when nobody answers.
    """
    _check_address(url)
    # Whoever finds all connections taken waits for one: a burst of runs must be slow, not short of data.
    pool = BlockingConnectionPool.from_url(url, max_connections=_CONNECTIONS, timeout=None, health_check_interval=30)
    client = Redis.from_pool(pool)
    try:
        try:
            await client.ping()
        except (RedisError, OSError) as error:
            raise RedisUnavailableError(
                f"No Redis answers at {masked(url)} ({str(error).rstrip('.')}). Start one there, name another "
                "with --redis URL, or use --redis embedded, which brings its own."
            ) from error
        yield client
    finally:
        await client.aclose()


def _check_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        fits = parts.scheme in _SCHEMES
        _ = parts.port
        if fits:
            parse_url(url)
    except ValueError:
        fits = False
    if not fits:
        raise UsageError(
            f"{masked(url)!r} is no Redis address. Use redis://host:port/0, rediss://…, unix://path or embedded."
        )

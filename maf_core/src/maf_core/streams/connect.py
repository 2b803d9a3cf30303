"""Open a connection to `redis://`, `rediss://`, `unix://` or `embedded`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from redis.asyncio import Connection, Redis
from redis.asyncio.connection import parse_url
from redis.exceptions import RedisError

from maf_core.errors import RedisUnavailableError, UsageError
from maf_core.streams.closing import closing
from maf_core.streams.cluster import cluster
from maf_core.streams.embedded import EmbeddedServer
from maf_core.streams.pool import WaitingPool
from maf_core.streams.prompt import prompt
from maf_core.streams.stale import without_stale
from maf_core.streams.valkey import Appendfsync
from maf_core.tasks import cancelled

EMBEDDED = "embedded"
_CONNECTIONS = 64
# Who has gone without a word, as over a cable that was cut, is noticed by not answering.
_ANSWER_SECONDS = 5
_KEPT = {
    "health_check_interval": 30,
    "socket_timeout": _ANSWER_SECONDS,
    "socket_connect_timeout": _ANSWER_SECONDS,
    **without_stale(),
}
# A password before the host, or among the options.
_SECRET = re.compile(r"(//[^/@:]*:)[^/]*(?=@)|([?&]password=)[^&]*")
_SCHEMES = ("redis", "rediss", "unix")


def masked(url: str) -> str:
    """The URL without its password, for logs and messages."""
    return _SECRET.sub(r"\1\2***", url)


@asynccontextmanager
async def server_url(
    url: str, data_dir: Path, port: int | None = None, appendfsync: Appendfsync = "always"
) -> AsyncIterator[str]:
    """The address to connect to; for `embedded`, the server runs for as long as the context is open, come what may."""
    if url != EMBEDDED:
        _check_address(url)
        yield url
        return
    server = EmbeddedServer(data_dir, port, appendfsync)
    await server.start()
    guard = asyncio.create_task(server.guard())
    try:
        yield server.url
    finally:
        await cancelled([guard])
        await server.stop()


@asynccontextmanager
async def connect(url: str) -> AsyncIterator[Redis]:
    """A client that has been answered once: of a single server, or of the cluster that the server is a node of.

    Raises `RedisUnavailableError`, with the address and what to do, when nobody answers.
    """
    _check_address(url)
    options = dict(parse_url(url))
    async with AsyncExitStack() as opened:
        try:
            if await _in_cluster(options):
                found = await opened.enter_async_context(cluster(_of_node(url, options)))
                # It has the same commands, but not the same class; who must tell them apart asks `by_slot`.
                client = cast(Redis, found)
            else:
                client = await opened.enter_async_context(closing(Redis.from_pool(_pool(options))))
                await client.ping()
        except (RedisError, OSError) as error:
            raise RedisUnavailableError(
                f"No Redis answers at {masked(url)} ({str(error).rstrip('.')}). Start one there, name another "
                "with --redis URL, or use --redis embedded, which brings its own."
            ) from error
        yield client


async def _in_cluster(options: Mapping[str, Any]) -> bool:
    # In database 0: with any other a cluster refuses the connection.
    async with closing(Redis.from_pool(_pool({**options, "db": 0}))) as client:
        return bool((await client.info("cluster")).get("cluster_enabled"))


def _pool(options: Mapping[str, Any]) -> WaitingPool:
    # How long to wait for a connection is not the address's to say: for ever.
    known = {name: value for name, value in options.items() if name != "timeout"}
    kind = prompt(known.pop("connection_class", Connection))
    return WaitingPool(**{**_KEPT, "max_connections": _CONNECTIONS, **known}, connection_class=kind)


def _of_node(url: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options without what a cluster has not."""
    if options.get("db") or "path" in options:
        raise UsageError(
            f"{masked(url)} is a node of a Redis Cluster, which has database 0 only, and is named by a host and a "
            "port. Use redis://host:port/0 or rediss://host:port/0."
        )
    known = {name: value for name, value in options.items() if name not in ("db", "timeout", "connection_class")}
    return {"host": "localhost", "ssl": urlsplit(url).scheme == "rediss", **_KEPT, **known}


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

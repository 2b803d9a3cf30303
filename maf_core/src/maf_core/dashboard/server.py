"""Serves the dashboard on a socket until it is told to stop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI

from maf_core.dashboard.state import attach
from maf_core.errors import MAFError
from maf_core.tasks import cancelled

if TYPE_CHECKING:
    from maf_core.context import AppContext

# Requests still being answered when the dashboard is told to stop get this long.
_GRACE_SECONDS = 5
_LAST_EVENTS_SECONDS = 2.0


class _Server(uvicorn.Server):
    """uvicorn, quiet, that ends with exit code 0 when a signal stops it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGTERM and Ctrl-C. uvicorn would raise them once more at the end and lose the exit code."""
        loop = asyncio.get_running_loop()
        for number in uvicorn.server.HANDLED_SIGNALS:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


def listen(host: str, port: int) -> socket.socket:
    """A socket to serve on; port 0 picks a free one. Raises `MAFError` saying what to do."""
    try:
        sock = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise MAFError(
            f"Cannot listen on {host} port {port}: {error.strerror}. Name a free port, or --port 0 to have one chosen."
        ) from error
    # Connections inherit it; asyncio leaves it off here, and then an answer waits 40 ms for an acknowledgement.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


async def serve(app: FastAPI, context: AppContext, sock: socket.socket, on_listening: Callable[[], None]) -> None:
    """Serve the dashboard about this application until SIGTERM or Ctrl-C."""
    attach(app, context)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=_GRACE_SECONDS
    )
    # Routes may emit events, as everything around a running application.
    bus = asyncio.create_task(context.events.run())
    serving = asyncio.create_task(_Server(config).serve(sockets=[sock]))
    on_listening()
    try:
        await serving
    finally:
        context.events.close()
        await asyncio.wait([bus], timeout=_LAST_EVENTS_SECONDS)
        await cancelled([serving, bus])

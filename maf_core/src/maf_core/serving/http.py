"""Serve an application over HTTP until a signal says stop. Needs uvicorn."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from maf_core.errors import MAFError

# Requests still being answered when the server is told to stop get this long.
_GRACE_SECONDS = 5


class HTTPServer(uvicorn.Server):
    """uvicorn, quiet, that says when it listens and ends with exit code 0 when a signal stops it."""

    def __init__(self, app: Any, on_listening: Callable[[], None], **options: Any) -> None:
        """`app`: an ASGI application; `options`: more for `uvicorn.Config`."""
        options = {"log_level": "warning", "access_log": False, "lifespan": "off", **options}
        super().__init__(uvicorn.Config(app, timeout_graceful_shutdown=_GRACE_SECONDS, **options))
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


def url_of(host: str, sock: socket.socket) -> str:
    """How a client names what is served on the socket."""
    return f"http://{f'[{host}]' if ':' in host else host}:{sock.getsockname()[1]}"

"""Stand-ins for services that are asked over HTTP: a real port, and the faults of the service."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from maf_core.testing.http import Connection, Request, listening

_START_SECONDS = 10.0


class StandIn(ABC):
    """A service as far as a client sees it.

        with Service() as service:
            ...  # ask service.url

    It is served from a thread of its own, so that clients that block can ask it too. Stopped, it may be started again,
    on the same port.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """`port`: 0 for any free one."""
        self._address = (host, port)
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._refused: OSError | None = None
        self._stop: Callable[[], object] = lambda: None

    @abstractmethod
    async def handle(self, request: Request, connection: Connection) -> None:
        """Answer one request."""

    @property
    def url(self) -> str:
        """`http://host:port`."""
        host, port = self._address
        return f"http://{host}:{port}"

    def start(self) -> Self:
        """Serve in a thread; returns when the port is open. Raises `OSError` when it cannot be had."""
        self._ready.clear()
        self._refused = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        if not self._ready.wait(_START_SECONDS) or self._refused is not None:
            raise OSError(self._cannot) from self._refused
        return self

    def stop(self) -> None:
        """Close the port and all connections; once is enough."""
        if self._thread is not None and self._thread.is_alive():
            self._stop()
            self._thread.join(_START_SECONDS)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def serve(self, when_ready: Callable[[str], None] | None = None) -> None:
        """Serve in this event loop until `stop` is called or the task is cancelled."""
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        self._stop = lambda: loop.call_soon_threadsafe(stopped.set)
        async with listening(self.handle, *self._address) as self._address:
            self._ready.set()
            if when_ready is not None:
                when_ready(self.url)
            await stopped.wait()

    def serve_for_ever(self) -> None:
        """Serve in this process until it is interrupted; the first line on stdout is the address."""

        def say(url: str) -> None:
            sys.stdout.write(f"{url}\n")
            sys.stdout.flush()

        with suppress(KeyboardInterrupt):
            try:
                asyncio.run(self.serve(say))
            except OSError as error:
                raise SystemExit(self._cannot) from error

    @property
    def _cannot(self) -> str:
        return f"The stand-in cannot listen on {self.url}; choose another port."

    def _run(self) -> None:
        try:
            asyncio.run(self.serve())
        except OSError as error:
            self._refused = error
            self._ready.set()


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes out in place of an answer: a body as it is, after `delay_s`; `drop`: nothing, and the end."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    delay_s: float = 0.0
    drop: bool = False


class JsonStandIn(StandIn):
    """One that is only asked for JSON data.

    `calls`: path and query of everything it was asked. `faults`: what fails, by the beginning of a path; "" is all.
    Both may be changed while it runs.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(host, port)
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.faults: dict[str, Fault] = {}

    @abstractmethod
    def answer(self, path: str, asked: dict[str, str]) -> tuple[int, Any]:
        """Status and content; `asked` is the query. What it cannot read, a `LookupError` or `ValueError`, is a 400."""

    def refusal(self, request: Request) -> Fault | None:
        """What this request gets in place of an answer."""
        return next((fault for path, fault in self.faults.items() if request.path.startswith(path)), None)

    async def handle(self, request: Request, connection: Connection) -> None:
        """Answer a GET."""
        asked = {name: values[0] for name, values in request.query.items()}
        self.calls.append((request.path, asked))
        fault = self.refusal(request)
        if fault is None:
            status, content = self._answered(request, asked)
            await connection.send(status, json.dumps(content).encode())
            return
        await connection.wait(fault.delay_s)
        if fault.drop:
            connection.abort()
        else:
            await connection.send(fault.status, fault.body, fault.content_type)

    def _answered(self, request: Request, asked: dict[str, str]) -> tuple[int, Any]:
        if request.method != "GET":
            return 405, {"detail": "Method Not Allowed"}
        try:
            return self.answer(request.path, asked)
        except (LookupError, ValueError) as error:
            return 400, {"detail": f"{type(error).__name__}: {error}"}

"""A stand-in for trtools2's API on a real port, with the faults of a service that is asked over HTTP."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Row = dict[str, Any]


@dataclass
class Fault:
    """What goes out in place of an answer: a body as it is, after `delay_s`; `drop` closes the connection instead."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    delay_s: float = 0.0
    drop: bool = False


@dataclass
class TrtoolsApi:
    """What the service knows and how it behaves; all of it may be changed while it runs. `calls`: what was asked."""

    url: str = ""
    bars: dict[str, list[Row]] = field(default_factory=dict)
    snapshots: dict[str, list[Row]] = field(default_factory=dict)
    coverage: dict[str, list[Row]] = field(default_factory=dict)
    health: list[Row] = field(default_factory=list)
    api_key: str | None = None
    fault: Fault | None = None
    shape: Callable[[str, list[Row]], Any] = lambda _, rows: {"data": rows}
    calls: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def answer(self, path: str, asked: dict[str, str]) -> tuple[int, Any]:
        """Status and content."""
        symbol = asked.get("symbol") or asked.get("symbols", "")
        if path == "/bars":
            found = [row for row in self.bars.get(symbol, []) if _within(row, asked)]
            return 200, self.shape(symbol, found[-int(asked["limit"]) :][::-1])
        if path == "/snapshots":
            return 200, self.shape(symbol, self.snapshots.get(symbol, []))
        if path == "/coverage":
            return 200, self.shape(symbol, self.coverage.get(symbol, []))
        if path == "/pipeline/health":
            return 200, {"data": self.health}
        return 404, {"detail": "Not Found"}


@contextmanager
def trtools_api() -> Iterator[TrtoolsApi]:
    """The stand-in, until the context ends."""
    api = TrtoolsApi()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(api))
    server.daemon_threads = True
    api.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _within(row: Row, asked: dict[str, str]) -> bool:
    moment = datetime.fromisoformat(row["t"])
    return datetime.fromisoformat(asked["start"]) <= moment <= datetime.fromisoformat(asked["end"])


def _handler(api: TrtoolsApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            api.calls.append((parts.path, asked))
            if api.fault is not None:
                self._fail(api.fault)
            elif api.api_key not in (None, self.headers.get("X-API-Key")):
                self._send(401, b'{"detail": "invalid key"}')
            else:
                status, content = api.answer(parts.path, asked)
                self._send(status, json.dumps(content).encode())

        def _fail(self, fault: Fault) -> None:
            time.sleep(fault.delay_s)
            if fault.drop:
                self.close_connection = True
                return
            self._send(fault.status, fault.body, fault.content_type)

        def _send(self, status: int, body: bytes, content_type: str = "application/json") -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing: tests look at `calls`."""

    return Handler

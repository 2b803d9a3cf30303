"""A collector that takes spans over OTLP/HTTP, as a real one does, with a real one's faults."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass
class Received:
    """One span as it came over the wire."""

    name: str
    span_id: str
    parent_id: str
    kind: int
    failed: bool
    attributes: dict[str, Any]
    resource: dict[str, Any]


@dataclass
class Collector:
    """What was asked of it, and what it answers: `faults` first, in order, then 200 for good."""

    url: str = ""
    faults: list[int] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    answering: threading.Event = field(default_factory=threading.Event)

    @property
    def spans(self) -> list[Received]:
        return [span for body in self.bodies for span in _spans(body)]

    def named(self, name: str) -> Received:
        """The one span of this name."""
        (span,) = [span for span in self.spans if span.name == name]
        return span

    def tree(self) -> set[tuple[str, ...]]:
        """Every span as the path of names that leads to it."""
        by_id = {span.span_id: span for span in self.spans}

        def path(span: Received) -> tuple[str, ...]:
            above = by_id.get(span.parent_id)
            return (*(path(above) if above else ()), span.name)

        return {path(span) for span in by_id.values()}


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(item) for item in value.array_value.values]
    return getattr(value, kind)


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _plain(pair.value) for pair in pairs}


def _spans(body: bytes) -> Iterator[Received]:
    for group in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = _attributes(group.resource.attributes)
        for span in [span for scope in group.scope_spans for span in scope.spans]:
            ids = span.span_id.hex(), span.parent_span_id.hex()
            yield Received(span.name, *ids, span.kind, span.status.code == 2, _attributes(span.attributes), resource)


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector on a free port."""
    known = Collector()
    known.answering.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            known.paths.append(self.path)
            known.answering.wait()
            status = known.faults.pop(0) if known.faults else 200
            if status == 200:
                known.bodies.append(body)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    known.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield known
    known.answering.set()
    server.shutdown()
    server.server_close()
    thread.join()

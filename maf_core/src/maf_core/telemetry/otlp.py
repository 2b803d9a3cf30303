"""Spans that are sent to a collector: OpenTelemetry over OTLP/HTTP. Imported only when traces are configured."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from maf_core.errors import TelemetryError
from maf_core.telemetry.conventions import calls_out, described, named
from maf_core.telemetry.tracer import Span, Tracer

try:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import SpanKind, StatusCode
except ImportError as error:
    raise TelemetryError("telemetry.traces needs OpenTelemetry. Run: pip install 'maf[telemetry]'") from error

if TYPE_CHECKING:
    from opentelemetry.trace import Span as OTelSpan

_PATH = "/v1/traces"
# A collector that is away must not hold up the end of a service.
_LAST_SPANS_SECONDS = 2.0


class OtlpTracer(Tracer):
    """Sends spans in batches from a thread of its own. Nothing waits for it; a full queue drops the newest."""

    def __init__(self, endpoint: str | None) -> None:
        """`endpoint`: a collector's address; None for what the standard OTEL_EXPORTER_OTLP_… variables say."""
        self._exporter = OTLPSpanExporter(endpoint=_traces(endpoint) if endpoint else None)
        self._provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("maf_core")

    @contextmanager
    def span(self, name: str, **attributes: Any) -> Iterator[Span]:
        """Measure a `with` block."""
        kind = SpanKind.CLIENT if calls_out(attributes) else SpanKind.INTERNAL
        with self._tracer.start_as_current_span(
            name,
            kind=kind,
            attributes=described(attributes),
            # An error's words may quote what a source or a model said: only its type leaves the machine.
            record_exception=False,
            set_status_on_exception=False,
        ) as opened:
            span = OtlpSpan(opened)
            try:
                yield span
            except BaseException as error:
                span.fail(type(error).__qualname__)
                raise

    def close(self) -> None:
        """Send what is left; waits no longer for a collector that does not answer."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(_LAST_SPANS_SECONDS)
        if closing.is_alive():
            # else its thread would go on asking such a collector for half a minute
            self._exporter.shutdown()  # type: ignore[no-untyped-call]


class OtlpSpan(Span):
    """A span of OpenTelemetry."""

    __slots__ = ("_span",)

    def __init__(self, span: OTelSpan) -> None:
        self._span = span

    def set(self, **attributes: Any) -> None:
        """Add attributes."""
        self._span.set_attributes(named(attributes))

    def fail(self, kind: str) -> None:
        """Mark the span as failed."""
        self._span.set_status(StatusCode.ERROR)
        self._span.set_attribute("error.type", kind)


def _traces(endpoint: str) -> str:
    """A collector's base address takes spans under a path of its own; a full address is left as it is."""
    return endpoint if urlsplit(endpoint).path.strip("/") else endpoint.rstrip("/") + _PATH


def _resource() -> Resource:
    """Who sends: "maf", unless the standard OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say otherwise."""
    from importlib.metadata import version

    ours = Resource.create({"service.name": "maf", "service.version": version("maf")})
    return ours.merge(OTELResourceDetector().detect())

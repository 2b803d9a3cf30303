"""Spans, as the rest of MAF sees them. These cost nothing and go nowhere; `otlp.py` has those that are sent."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maf_core.settings import TelemetrySettings

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


class Span:
    """A stretch of time that is being measured."""

    __slots__ = ()

    def __enter__(self) -> Span:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def set(self, **attributes: Any) -> None:
        """Add attributes that were not known at the beginning, such as `tokens_out`."""

    def fail(self, kind: str) -> None:
        """Mark the span as failed, by an error of this kind; one that is raised through it does so by itself."""


_NOTHING = Span()


class Tracer:
    """Measures how long things take: run → phase → agent → model or source call."""

    def span(self, name: str, **attributes: Any) -> AbstractContextManager[Span]:
        """Measure a `with` block; what is measured inside it becomes its child.

        Attributes are strings, numbers, booleans or lists of them; None is left out. Plain names get the semantic
        convention's (`conventions.py`): `agent`, `provider`, `model`, `tokens_in`, `tokens_out`, …; any other becomes
        `maf.<name>`. Never pass what people or models wrote.
        """
        return _NOTHING

    def close(self) -> None:
        """Send what is left, for two seconds at most."""


def tracer_of(settings: TelemetrySettings) -> Tracer:
    """The tracer that `telemetry.traces` asks for. Raises `TelemetryError` when its packages are not installed."""
    wanted = settings.traces
    if wanted is None or (wanted == "env" and not any(os.environ.get(name) for name in _ENDPOINTS)):
        return Tracer()
    from maf_core.telemetry.otlp import OtlpTracer

    return OtlpTracer(None if wanted == "env" else wanted)

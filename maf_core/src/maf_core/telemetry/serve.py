"""Puts a service's metrics where Prometheus finds them, if a port is configured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from maf_core.settings import TelemetrySettings
    from maf_core.streams.events import EventBus
    from maf_core.telemetry.metrics import Metrics

log = structlog.get_logger(__name__)


@contextmanager
def metrics_served(settings: TelemetrySettings, bus: EventBus) -> Iterator[None]:
    """Count the bus's events and serve the metrics for as long as the block runs; without a port, do nothing.

    A port that is taken costs the metrics, not the service. Raises `TelemetryError` without `maf[telemetry]`.
    """
    if settings.metrics_port is None:
        yield
        return
    from maf_core.telemetry.metrics import Metrics

    metrics = Metrics(bus)
    with bus.observed_by(metrics.observe), _listening(metrics, settings.metrics_host, settings.metrics_port):
        yield


@contextmanager
def _listening(metrics: Metrics, host: str, port: int) -> Iterator[None]:
    from prometheus_client import start_http_server

    try:
        server, thread = start_http_server(port, host, metrics.registry)
    except OSError as error:
        fix = "free the port, or give each service of this machine its own: telemetry.metrics_port"
        log.warning("metrics_not_served", host=host, port=port, reason=str(error), fix=fix)
        yield
        return
    log.info("metrics_served", url=f"http://{host}:{server.server_port}/metrics")
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""Gauges of streams and their consumer groups, as the service last told where they stand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric


class StreamGauges:
    """What Prometheus reads about streams; a group or stream that is gone is gone from here too."""

    def __init__(self) -> None:
        self._streams: list[dict[str, Any]] = []

    def take(self, streams: Any) -> None:
        """Remember where the streams stand; a status that is about something else says nothing about them."""
        if isinstance(streams, list):
            self._streams = streams

    def collect(self) -> Iterator[Metric]:
        """The gauges as they are now."""
        from prometheus_client.core import GaugeMetricFamily

        lengths = GaugeMetricFamily("maf_stream_length", "Entries on a stream", labels=["stream"])
        lag = GaugeMetricFamily("maf_group_lag", "Entries not delivered to a group yet", labels=["stream", "group"])
        pending = GaugeMetricFamily(
            "maf_group_pending", "Entries delivered, not acknowledged", labels=["stream", "group"]
        )
        for stream in self._streams:
            lengths.add_metric([stream["stream"]], stream["length"])
            for group in stream["groups"]:
                labels = [stream["stream"], group["group"]]
                pending.add_metric(labels, group["pending"])
                if group["lag"] is not None:  # the server has lost count
                    lag.add_metric(labels, group["lag"])
        yield from (lengths, lag, pending)

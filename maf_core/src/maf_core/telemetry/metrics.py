"""Prometheus metrics, counted from the events on the bus. Imported only when a port is configured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from maf_core.errors import TelemetryError
from maf_core.telemetry.streams import StreamGauges

try:
    from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
except ImportError as error:
    raise TelemetryError("telemetry.metrics_port needs prometheus-client. Run: pip install 'maf[telemetry]'") from error

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from maf_core.streams.events import EventBus

Event = dict[str, Any]
# Seconds: a routine answers in milliseconds, a model in minutes.
_BUCKETS = (0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)


class Metrics:
    """What happened in this process since it started; `registry` is what Prometheus reads."""

    def __init__(self, bus: EventBus) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.registry.register(_BusCollector(bus))
        self._streams = StreamGauges()
        self.registry.register(self._streams)
        self._events = self._counter("events", "Events by kind", "kind")
        self._errors = self._counter("errors", "Events that tell of a failure, by kind", "kind", "arena")
        self._started = self._counter("runs_started", "Runs begun or taken up again", "arena")
        self._runs = self._counter("runs", "Runs that ended", "arena", "status")
        self._run_seconds = self._histogram("run_seconds", "How long runs took", "arena")
        self._phases = self._counter("phases", "Phases that ended", "arena", "phase")
        self._phase_seconds = self._histogram("phase_seconds", "How long phases took", "arena", "phase")
        self._agents = self._counter("agents", "Agents that ended", "arena", "agent", "status")
        self._agent_seconds = self._histogram("agent_seconds", "How long agents took", "arena", "agent")
        self._sources = self._counter("source_calls", "Calls of sources", "source", "status")
        self._source_seconds = self._histogram("source_seconds", "How long sources took", "source")
        self._llm = self._counter("llm_calls", "Calls of language models", "model", "status")
        self._llm_seconds = self._histogram("llm_seconds", "How long language models took", "model")
        self._tokens = self._counter("llm_tokens", "Tokens of language models", "model", "direction")
        self._usd = self._counter("llm_cost_usd", "What language models cost, in USD", "model")
        self._decisions = self._counter("decisions", "Decisions handed on", "arena", "verdict")
        self._kinds: dict[str, Callable[[Event], None]] = {
            "arena.start": lambda event: self._started.labels(event["arena"]).inc(),
            "arena.complete": self._run_completed,
            "arena.error": lambda event: self._runs.labels(event["arena"], "failed").inc(),
            "phase.complete": self._phase_completed,
            "agent.complete": self._agent_completed,
            "agent.error": lambda event: self._agents.labels(event["arena"], _of(event, "agent"), "failed").inc(),
            "source.fetch": self._source_asked,
            "llm.call": self._model_answered,
            "llm.error": lambda event: self._llm.labels(_of(event, "model"), "failed").inc(),
            "system.status": lambda event: self._streams.take(event["payload"].get("streams")),
            "decision.emit": lambda event: self._decisions.labels(event["arena"], _of(event, "verdict")).inc(),
        }

    def observe(self, event: Event) -> None:
        """Count one event of the bus."""
        kind = event["kind"]
        self._events.labels(kind).inc()
        if kind.endswith(".error"):
            self._errors.labels(kind, event["arena"]).inc()
        if kind in self._kinds:
            self._kinds[kind](event)

    def _run_completed(self, event: Event) -> None:
        self._runs.labels(event["arena"], "completed").inc()
        self._run_seconds.labels(event["arena"]).observe(_number(event, "seconds"))

    def _phase_completed(self, event: Event) -> None:
        self._phases.labels(event["arena"], event["phase"]).inc()
        self._phase_seconds.labels(event["arena"], event["phase"]).observe(_number(event, "seconds"))

    def _agent_completed(self, event: Event) -> None:
        agent = _of(event, "agent")
        self._agents.labels(event["arena"], agent, "completed").inc()
        self._agent_seconds.labels(event["arena"], agent).observe(_number(event, "ms") / 1000)

    def _source_asked(self, event: Event) -> None:
        source, good = _of(event, "source"), event["payload"].get("success")
        self._sources.labels(source, "completed" if good else "failed").inc()
        self._source_seconds.labels(source).observe(_number(event, "ms") / 1000)

    def _model_answered(self, event: Event) -> None:
        model = _of(event, "model")
        if event["payload"].get("recorded"):  # a run that was taken up again: nobody was asked or paid
            self._llm.labels(model, "recorded").inc()
            return
        self._llm.labels(model, "completed").inc()
        self._llm_seconds.labels(model).observe(_number(event, "ms") / 1000)
        self._tokens.labels(model, "in").inc(_number(event, "tokens_in"))
        self._tokens.labels(model, "out").inc(_number(event, "tokens_out"))
        self._usd.labels(model).inc(_number(event, "usd"))

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"maf_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(f"maf_{name}", text, labels, buckets=_BUCKETS, registry=self.registry)


class _BusCollector:
    """The bus's own state, read when Prometheus asks."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus

    def collect(self) -> Iterator[Metric]:
        dropped = "Events that could not be written"
        yield CounterMetricFamily("maf_events_dropped", dropped, value=self._bus.dropped)
        yield GaugeMetricFamily("maf_events_queued", "Events that wait to be written", value=self._bus.queued)


def _of(event: Event, key: str) -> str:
    return str(event["payload"].get(key, ""))


def _number(event: Event, key: str) -> float:
    value = event["payload"].get(key)
    return max(0.0, float(value)) if isinstance(value, int | float) else 0.0

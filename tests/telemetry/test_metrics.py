"""Metrics are counted from the bus's events and read over HTTP, once a port is configured."""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from maf_core.errors import TelemetryError
from maf_core.plane.commands import Command, send
from maf_core.service import Service
from maf_core.settings import TelemetrySettings
from maf_core.sources.base import SourceResult
from maf_core.streams.events import EventBus
from maf_core.telemetry.metrics import Metrics
from maf_core.telemetry.serve import metrics_served
from maf_core.testing import wait_until

SAYS = {"name": "a", "role": "speaker", "options": {"signal": "BULLISH", "confidence": 0.8}}
PHASES = [
    {"name": "look", "agents": [SAYS, {"name": "b", "role": "reader", "sources": ["bars", "news"]}]},
    {"name": "decide", "agents": [{"name": "verdict", "role": "synthesis"}]},
]
SOURCES = {"bars": {"source": "prices"}, "news": {"source": "broken"}}


def samples(families) -> dict[tuple[str, ...], float]:
    """Every sample: its name, then its labels' values in the order of the labels' names."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def read(url: str) -> dict[tuple[str, ...], float]:
    with urlopen(url) as answer:
        return samples(text_string_to_metric_families(answer.read().decode()))


@asynccontextmanager
async def serving(context):
    """A running service; gives a function that reads its metrics."""
    stop = asyncio.Event()
    with capture_logs() as logs:
        task = asyncio.create_task(Service(context).run(stop))
        line = await wait_until(lambda: next((line for line in logs if line["event"] == "metrics_served"), None))
        try:
            yield lambda: asyncio.to_thread(read, line["url"])
        finally:
            stop.set()
            await task


async def test_a_run_is_found_again_in_the_metrics(redis, make_context, load, speaker, source, role, panel):
    async def prices(query):
        return SourceResult(1.0, size_bytes=5)

    async def broken(query):
        raise ConnectionError("no")

    async def reads(agent, state, context):
        await context.fetch_all(agent.config.sources)
        raise ValueError("I fail")

    records = speaker, source("prices", prices), source("broken", broken), role("reader", reads)
    arena = panel(*PHASES, sources=SOURCES)
    context = make_context(plugins=load(*records), arenas=[arena], telemetry={"metrics_port": 0})
    async with serving(context) as metrics:
        await send(redis, Command(command="run_arena", arena="panel", target={"ticker": "AAPL"}))

        async def acknowledged() -> bool:
            return (await metrics()).get(("maf_events_total", "control.ack"), 0) == 2

        await wait_until(acknowledged)
        found = await metrics()
    expected = {
        ("maf_runs_started_total", "panel"): 1,
        ("maf_runs_total", "panel", "completed"): 1,
        ("maf_run_seconds_count", "panel"): 1,
        ("maf_phases_total", "panel", "look"): 1,
        ("maf_phases_total", "panel", "decide"): 1,
        ("maf_agents_total", "a", "panel", "completed"): 1,
        ("maf_agents_total", "b", "panel", "failed"): 1,
        ("maf_source_calls_total", "prices", "completed"): 1,
        ("maf_source_calls_total", "broken", "failed"): 1,
        ("maf_decisions_total", "panel", "BUY"): 1,
        ("maf_errors_total", "panel", "agent.error"): 1,
        ("maf_errors_total", "panel", "source.error"): 1,
        ("maf_events_total", "control.command"): 1,
        ("maf_events_dropped_total",): 0,
    }
    assert {key: found.get(key) for key in expected} == expected
    assert ("maf_events_queued",) in found
    assert found[("maf_run_seconds_sum", "panel")] > 0


@pytest.fixture
def counted(redis):
    """What the metrics are after these events."""

    def count(*events: tuple[str, dict]) -> dict[tuple[str, ...], float]:
        bus = EventBus(redis)
        metrics = Metrics(bus)
        with bus.observed_by(metrics.observe), capture_logs() as logs:
            for kind, payload in events:
                bus.emit(kind, **payload)
        assert logs == []
        return samples(metrics.registry.collect())

    return count


def test_calls_of_models_are_counted_with_their_tokens_and_what_they_cost(counted):
    call = {"model": "openai:gpt", "tokens_in": 100, "tokens_out": 20, "usd": 0.25, "ms": 500}
    again = ("llm.call", {**call, "recorded": True})
    found = counted(
        ("llm.call", call),
        again,
        ("llm.call", {**call, "recorded": False}),
        ("llm.error", {"model": "openai:gpt", "error": "no"}),
    )
    assert found[("maf_llm_calls_total", "openai:gpt", "completed")] == 2
    assert found[("maf_llm_calls_total", "openai:gpt", "recorded")] == 1
    assert found[("maf_llm_calls_total", "openai:gpt", "failed")] == 1
    assert found[("maf_llm_tokens_total", "in", "openai:gpt")] == 200
    assert found[("maf_llm_tokens_total", "out", "openai:gpt")] == 40
    assert found[("maf_llm_cost_usd_total", "openai:gpt")] == 0.5
    assert found[("maf_llm_seconds_sum", "openai:gpt")] == 1.0
    assert found[("maf_errors_total", "", "llm.error")] == 1


def test_what_a_plugin_emits_oddly_is_counted_as_well_as_it_can_be(counted):
    found = counted(("llm.call", {"model": None, "tokens_in": "many", "usd": -1}), ("own.kind", {}))
    assert found[("maf_llm_calls_total", "None", "completed")] == 1
    assert found[("maf_llm_tokens_total", "in", "None")] == 0
    assert found[("maf_events_total", "own.kind")] == 1


async def test_an_observer_that_breaks_fails_nobody(redis):
    bus = EventBus(redis)
    seen = []

    def breaks(event) -> None:
        raise ValueError("mine")

    with capture_logs() as logs, bus.observed_by(breaks), bus.observed_by(seen.append):
        bus.emit("llm.call")
    bus.emit("llm.call")
    assert ([event["kind"] for event in seen], bus.queued) == (["llm.call"], 2)
    assert [line["event"] for line in logs] == ["event_not_observed"]


async def test_a_port_that_is_taken_costs_the_metrics_and_nothing_else(redis):
    with socket.create_server(("127.0.0.1", 0)) as taken, capture_logs() as logs:
        settings = TelemetrySettings(metrics_port=taken.getsockname()[1])
        with metrics_served(settings, EventBus(redis)):
            pass
    (line,) = logs
    assert (line["event"], line["log_level"]) == ("metrics_not_served", "warning")
    assert "telemetry.metrics_port" in line["fix"]


@pytest.mark.parametrize(
    ("missing", "module", "settings"),
    [
        ("prometheus_client", "maf_core.telemetry.metrics", {"metrics_port": 0}),
        ("opentelemetry.sdk.trace", "maf_core.telemetry.otlp", {"traces": "http://127.0.0.1:9"}),
    ],
)
async def test_without_the_package_the_error_is_the_command_to_type(
    monkeypatch, make_context, missing, module, settings
):
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(TelemetryError, match=r"pip install 'maf\[telemetry\]'"):
        await Service(make_context(telemetry=settings)).run(asyncio.Event())


async def test_every_metric_and_every_setting_is_in_the_docs(redis):
    page = (Path(__file__).parent.parent.parent / "docs" / "telemetry.md").read_text(encoding="utf-8")
    families = [family for family in Metrics(EventBus(redis)).registry.collect() if family.name.startswith("maf_")]
    names = [f"{family.name}_total" if family.type == "counter" else family.name for family in families]
    assert len(names) > 10
    names += [f"telemetry.{name}" for name in TelemetrySettings.model_fields]
    assert [name for name in names if f"`{name}`" not in page] == []

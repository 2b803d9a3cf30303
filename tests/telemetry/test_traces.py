"""Spans: free by default; sent as OpenTelemetry has it when configured; never in anybody's way."""

from __future__ import annotations

import asyncio
import time

import pytest
from pydantic import ValidationError

from maf_core.settings import TelemetrySettings
from maf_core.telemetry.tracer import Tracer, tracer_of

CLIENT, INTERNAL = 3, 1
OTEL = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_SERVICE_NAME")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    for name in OTEL:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def tracer(collector):
    made = tracer_of(TelemetrySettings(traces=collector.url))
    yield made
    made.close()


@pytest.mark.parametrize("traces", [None, "env"])
def test_without_an_endpoint_a_span_is_one_shared_object(traces):
    tracer = tracer_of(TelemetrySettings(traces=traces))
    assert type(tracer) is Tracer
    with tracer.span("a", agent="x") as first, tracer.span("b") as second:
        first.set(tokens_out=1)
        first.fail("ValueError")
    assert first is second
    tracer.close()


def test_a_span_that_goes_nowhere_lets_errors_through():
    with pytest.raises(ValueError, match="mine"), Tracer().span("a"):
        raise ValueError("mine")


async def test_spans_opened_inside_a_span_are_its_children_also_in_other_tasks(tracer, collector):
    async def agent(name: str) -> None:
        with tracer.span(name):
            await asyncio.sleep(0)
            with tracer.span(f"source of {name}"):
                await asyncio.sleep(0)

    with tracer.span("run"):
        await asyncio.gather(agent("a"), agent("b"))
    with tracer.span("another run"):
        pass
    tracer.close()
    assert collector.tree() == {
        ("run",),
        ("run", "a"),
        ("run", "a", "source of a"),
        ("run", "b"),
        ("run", "b", "source of b"),
        ("another run",),
    }


def test_attributes_have_the_names_of_the_conventions(tracer, collector):
    with tracer.span("run", arena="panel", seconds=1.5, skipped=None, tickers=["AAPL", 1]):
        with tracer.span("technical", agent="technical"):
            pass
        with tracer.span("chat gpt", provider="openai", model="gpt", max_tokens=9) as span:
            span.set(answered_by="gpt-2", tokens_in=10, tokens_out=3, **{"server.address": "there"})
        with tracer.span("bars", source="prices", other=RuntimeError):
            pass
    tracer.close()
    assert collector.named("run").attributes == {
        "maf.arena": "panel",
        "maf.seconds": 1.5,
        "maf.tickers": ["AAPL", "1"],
    }
    assert collector.named("technical").attributes == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "technical",
    }
    assert collector.named("chat gpt").attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt",
        "gen_ai.request.max_tokens": 9,
        "gen_ai.response.model": "gpt-2",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 3,
        "server.address": "there",
    }
    assert [collector.named(name).kind for name in ("run", "technical", "chat gpt", "bars")] == [
        INTERNAL,
        INTERNAL,
        CLIENT,
        CLIENT,
    ]


def test_an_error_is_told_by_its_type_and_its_words_stay_here(tracer, collector):
    with pytest.raises(ValueError, match="secret"), tracer.span("run"), tracer.span("agent"):
        raise ValueError("a secret prompt")
    with tracer.span("soft") as span:
        span.fail("TimeoutError")
    tracer.close()
    assert {span.name: span.attributes["error.type"] for span in collector.spans if span.failed} == {
        "agent": "ValueError",
        "run": "ValueError",
        "soft": "TimeoutError",
    }
    assert b"secret" not in b"".join(collector.bodies)


def test_who_sends_is_said_and_can_be_chosen_the_standard_way(collector, monkeypatch):
    for name in ("maf", "mine"):
        tracer = tracer_of(TelemetrySettings(traces=collector.url))
        with tracer.span(name):
            pass
        tracer.close()
        monkeypatch.setenv("OTEL_SERVICE_NAME", "mine")
    assert [collector.named(name).resource["service.name"] for name in ("maf", "mine")] == ["maf", "mine"]
    assert "service.version" in collector.named("maf").resource


@pytest.mark.parametrize(
    ("setting", "variables", "path"),
    [
        ("{url}", {}, "/v1/traces"),
        ("{url}/", {}, "/v1/traces"),
        ("{url}/my/path", {}, "/my/path"),
        ("env", {"OTEL_EXPORTER_OTLP_ENDPOINT": "{url}"}, "/v1/traces"),
        ("env", {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "{url}/spans"}, "/spans"),
    ],
)
def test_spans_go_where_the_setting_or_the_standard_variables_say(collector, monkeypatch, setting, variables, path):
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(url=collector.url))
    tracer = tracer_of(TelemetrySettings(traces=setting.format(url=collector.url)))
    with tracer.span("run"):
        pass
    tracer.close()
    assert (collector.paths, [span.name for span in collector.spans]) == ([path], ["run"])


@pytest.mark.parametrize("value", ["", "localhost:4318", "ENV", "grpc://x", "http://"])
def test_what_is_no_endpoint_is_refused(value):
    with pytest.raises(ValidationError):
        TelemetrySettings(traces=value)


def test_a_collector_that_is_busy_for_a_moment_is_asked_again(tracer, collector):
    collector.faults = [503]
    with tracer.span("run"):
        pass
    tracer.close()
    assert ([span.name for span in collector.spans], len(collector.paths)) == (["run"], 2)


@pytest.mark.parametrize("fault", ["away", "silent", "refuses"])
def test_a_collector_that_fails_holds_nobody_up(collector, monkeypatch, fault):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "60")  # longer than anybody is held up for
    collector.faults = [400] * 100 if fault == "refuses" else []
    if fault == "silent":
        collector.answering.clear()
    url = "http://127.0.0.1:9" if fault == "away" else collector.url
    tracer = tracer_of(TelemetrySettings(traces=url))
    started = time.perf_counter()
    for _ in range(10_000):  # more than the queue takes
        with tracer.span("run"):
            pass
    assert time.perf_counter() - started < 30
    closing = time.perf_counter()
    tracer.close()
    assert time.perf_counter() - closing < 30

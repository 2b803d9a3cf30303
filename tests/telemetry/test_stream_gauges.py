"""Prometheus sees how long streams are and how far their groups lag, as the service last told."""

from __future__ import annotations

from prometheus_client import generate_latest

from maf_core.streams.events import EventBus
from maf_core.streams.publish import keep_bounded
from maf_core.telemetry.metrics import Metrics
from maf_core.testing import running, wait_until
from maf_core.trim import StreamTrimmer


def gauges(metrics: Metrics) -> set[str]:
    lines = generate_latest(metrics.registry).decode().splitlines()
    return {line for line in lines if line.startswith(("maf_stream_", "maf_group_"))}


async def test_lengths_lags_and_pending_entries(redis, make_context):
    context = make_context()
    await keep_bounded(redis, "in")
    for number in range(3):
        await redis.xadd("in", {"n": number})
    await redis.xgroup_create("in", "g", "0")
    await redis.xreadgroup("g", "c", {"in": ">"}, count=1)
    metrics = Metrics(context.events)
    with context.events.observed_by(metrics.observe):
        async with running(StreamTrimmer(context)):
            await wait_until(lambda: gauges(metrics))
    assert 'maf_stream_length{stream="in"} 3.0' in gauges(metrics)
    assert 'maf_group_lag{group="g",stream="in"} 2.0' in gauges(metrics)
    assert 'maf_group_pending{group="g",stream="in"} 1.0' in gauges(metrics)


def status(*streams: dict) -> dict:
    return {"kind": "system.status", "arena": "", "payload": {"streams": list(streams)}}


async def test_what_is_gone_or_unknown_has_no_gauge_and_other_news_change_nothing(redis):
    metrics = Metrics(EventBus(redis))
    group = {"group": "g", "lag": None, "pending": 4}
    metrics.observe(status({"stream": "old", "length": 9, "groups": []}))
    metrics.observe(status({"stream": "in", "length": 2, "groups": [group]}))
    metrics.observe({"kind": "system.status", "arena": "", "payload": {"workers": []}})
    assert gauges(metrics) == {'maf_stream_length{stream="in"} 2.0', 'maf_group_pending{group="g",stream="in"} 4.0'}

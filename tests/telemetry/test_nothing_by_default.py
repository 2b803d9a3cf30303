"""Unless somebody configures it, nothing listens, nothing leaves, and no telemetry package is imported."""

from __future__ import annotations

import asyncio
import json
import signal
import socket

import pytest
from pydantic_core import from_json
from redis.asyncio import RedisCluster

from maf_core.plane.commands import Command, send
from maf_core.streams import codec
from maf_core.streams.names import CONTROL_OUT
from maf_core.streams.raw import entries
from maf_core.testing import wait_until

REPORT = """
import atexit, json, sys
calls = []
def hook(event, args):
    if event in ("socket.bind", "socket.connect", "socket.sendto"):
        calls.append([event, repr(args[1])])
sys.addaudithook(hook)
atexit.register(lambda: sys.stderr.write("\\n" + json.dumps([calls, list(sys.modules)])))
"""
ARENA = """
name: panel
phases:
  - {name: decide, agents: [{name: verdict, role: synthesis}]}
"""
# redis-py imports OpenTelemetry's metrics by itself where they are installed; what makes and sends spans it does not
OURS = {"opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http", "prometheus_client"}


@pytest.fixture
def report(redis, redis_url, maf_process, tmp_path):
    """Run a service that carries out one run; gives its calls to sockets and the modules it imported."""

    async def run(**environment: str) -> tuple[list[list[str]], set[str]]:
        (tmp_path / "arenas").mkdir()
        (tmp_path / "arenas" / "panel.yaml").write_text(ARENA)
        (tmp_path / "sitecustomize.py").write_text(REPORT)
        words = ["service", "run", "--redis", redis_url, "--config", str(tmp_path), "--plugins", ""]
        process = maf_process(*words, PYTHONPATH=str(tmp_path), **environment)
        await send(redis, Command(command="run_arena", arena="panel", target={"ticker": "AAPL"}))

        async def completed() -> bool:
            answers = [codec.decode(fields) for _, fields in entries(await redis.xrange(CONTROL_OUT))]
            return any(answer["status"] == "completed" for answer in answers)

        await wait_until(completed, timeout_s=20)
        process.send_signal(signal.SIGTERM)
        _, errors = await asyncio.to_thread(process.communicate, timeout=15)
        calls, modules = from_json(errors.splitlines()[-1])
        return calls, set(modules)

    return run


async def test_a_service_talks_to_its_redis_and_to_nobody_else(report, redis):
    calls, modules = await report()
    clustered = isinstance(redis, RedisCluster)
    nodes = redis.nodes_manager.startup_nodes.values() if clustered else [redis.connection_pool]
    known = [node.connection_kwargs for node in nodes]
    expected = {("socket.connect", repr((address["host"], address["port"]))) for address in known}
    assert {tuple(call) for call in calls} == expected
    assert modules & {*OURS, "requests", "maf_core.telemetry.otlp", "maf_core.telemetry.metrics"} == set()


async def test_what_is_configured_would_be_seen(report, collector):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    calls, modules = await report(MAF_TELEMETRY=json.dumps({"metrics_port": port, "traces": collector.url}))
    assert ["socket.bind", repr(("127.0.0.1", port))] in calls
    assert modules >= OURS

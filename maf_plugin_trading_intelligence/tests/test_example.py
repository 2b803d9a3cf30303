"""The consumer that users copy, as a program of its own that cannot import anything of MAF."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from maf_plugin_trading_intelligence.stream import DEFAULT_STREAM_NAME, build_envelope_from_state, publish_envelope

EXAMPLE = Path(__file__).parents[2] / "examples" / "consume_decisions.py"
# `-I -S`: no site-packages, no editable installs, no environment. Then redis and what it needs, and no MAF at all.
ISOLATED = """
import importlib.abc, runpy, sys
class NoMAF(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "maf" or name.startswith(("maf_", "pydantic", "structlog")):
            raise SystemExit("the example imports " + name)
sys.meta_path.insert(0, NoMAF())
sys.path.append(sys.argv[1])
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""

Start = Callable[..., "subprocess.Popen[str]"]
pytestmark = pytest.mark.needs("one server")  # which the example's plain client connects to


@pytest.fixture
def start(redis_url: str) -> Iterator[Start]:
    """Start the example with these words; whatever still runs is ended."""
    started: list[subprocess.Popen[str]] = []

    def begin(*words: str, environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
        command = [sys.executable, "-I", "-S", "-c", ISOLATED, sysconfig.get_path("purelib"), str(EXAMPLE), *words]
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "REDIS_URL": redis_url, **(environment or {})},
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def finished(process: subprocess.Popen[str]) -> list[list[str]]:
    """The words of every line it printed, once it has ended well."""
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    return [line.split() for line in out.splitlines()]


async def put(redis: Redis, ticker: str, **changes: Any) -> Any:
    state = {"target": {"ticker": ticker, "trade_date": "2013-02-28"}, "signal": "BUY"}
    envelope = build_envelope_from_state(state).model_copy(update=changes)
    await publish_envelope(redis, DEFAULT_STREAM_NAME, envelope)
    return envelope


async def test_count_shows_the_newest_first_and_stops(redis: Redis, start: Start) -> None:
    for ticker in ("AAPL", "IBM", "MSFT"):
        await put(redis, ticker)
    lines = finished(start("--count", "2"))
    assert [line[:3] for line in lines] == [["2013-02-28", "MSFT", "BUY"], ["2013-02-28", "IBM", "BUY"]]


async def test_other_versions_broken_entries_and_repeats_are_skipped(redis: Redis, start: Start) -> None:
    envelope = await put(redis, "IBM")
    await put(redis, "IBM", correlation_id=envelope.correlation_id)
    await put(redis, "AAPL", schema_version="2")
    await redis.xadd(DEFAULT_STREAM_NAME, {"data": "{"})
    await redis.xadd(DEFAULT_STREAM_NAME, {"other": "field"})
    assert [line[-1] for line in finished(start("--count", "10"))] == [envelope.correlation_id]


async def test_it_shows_what_there_was_and_then_what_comes(redis: Redis, start: Start) -> None:
    for ticker in ("AAPL", "IBM"):
        await put(redis, ticker)
    process = start()
    assert process.stdout is not None
    assert [process.stdout.readline().split()[1] for _ in range(2)] == ["AAPL", "IBM"]
    await put(redis, "MSFT")
    assert process.stdout.readline().split()[1] == "MSFT"
    process.send_signal(signal.SIGINT)
    assert finished(process) == []


async def test_the_address_and_the_stream_can_be_named(redis: Redis, redis_url: str, start: Start) -> None:
    await publish_envelope(redis, "mine", build_envelope_from_state({"target": {"ticker": "FB"}}))
    process = start(
        "--redis-url", redis_url, "--stream", "mine", "--count", "1", environment={"REDIS_URL": "redis://x"}
    )
    assert finished(process)[0][:2] == ["FB", "HOLD"]


def test_without_a_server_it_says_what_to_do(start: Start) -> None:
    process = start("--redis-url", "redis://localhost:1", "--count", "1")
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "Name another with --redis-url." in err
    assert "Traceback" not in err

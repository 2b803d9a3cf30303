"""What is promised when a service process is killed in the middle of its work."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from maf_core.demo.tally import payloads
from maf_core.service import heartbeat_key
from maf_core.streams.names import ACTIONS, CONTROL_OUT, DEAD, EXECUTIONS
from maf_core.streams.publish import publish
from maf_core.streams.quiet import until_quiet
from maf_core.testing import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

ENTRIES = 300
ARENA = """
name: probe
phases:
  - name: decide
    agents: [{name: synthesis, role: synthesis}]
triggers:
  - {id: go, on_stream: "probe:in", when: payload.go, target: "{payload.symbol}"}
"""


@asynccontextmanager
async def service(redis, redis_url: str, config: Path):
    environment = {**os.environ, "MAF_LEASE_S": "1"}
    words = ["service", "run", "--redis", redis_url, "--config", str(config), "--log-level", "error"]
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "maf_core", *words, env=environment)
    try:
        await wait_until(lambda: redis.exists(heartbeat_key(process.pid)), 30)
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def ids(redis, stream: str, key: str) -> list[str]:
    return [payload[key] async for payload in payloads(redis, stream)]


async def test_a_killed_service_loses_nothing_and_doubles_nothing(redis, redis_url: str, tmp_path: Path):
    (tmp_path / "arenas").mkdir()
    (tmp_path / "arenas" / "probe.yaml").write_text(ARENA)

    async def at_least(count: int) -> bool:
        return await redis.xlen(EXECUTIONS) >= count

    async with service(redis, redis_url, tmp_path) as first:
        for number in range(ENTRIES):
            await publish(redis, "probe:in", {"go": True, "symbol": f"S{number}"})
        await wait_until(lambda: at_least(30), 60)
        first.kill()
        await first.wait()
    async with service(redis, redis_url, tmp_path) as second:
        await wait_until(lambda: at_least(100), 60)
        second.kill()
        await second.wait()
    async with service(redis, redis_url, tmp_path):
        await wait_until(lambda: at_least(ENTRIES), 60)
        await until_quiet(redis)
    actions = await ids(redis, ACTIONS, "arena_id")
    executions = [execution["arena_id"] for execution in await ids(redis, EXECUTIONS, "action")]
    completed = [
        answer["command_id"] async for answer in payloads(redis, CONTROL_OUT) if answer["status"] == "completed"
    ]
    assert len(set(actions)) == len(actions) == ENTRIES
    assert sorted(executions) == sorted(actions)
    assert len(set(completed)) == len(completed) == ENTRIES
    assert await redis.xlen(DEAD) == 0

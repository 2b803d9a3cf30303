"""Service processes side by side, with a config folder that changes while they run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic_core import from_json

from maf_core import publish
from maf_core.plane.commands import Command
from maf_core.service import heartbeat_key
from maf_core.streams import codec
from maf_core.streams.names import CONTROL_IN, CONTROL_OUT
from maf_core.streams.raw import entries
from maf_core.testing import wait_until

# An agent that says when it has begun, and then waits for a key that a test sets.
WAITING = """
import asyncio
from maf_core import Agent, AgentSpec, hookimpl

class Waiting(Agent):
    async def run(self, state, context):
        redis = context.app.redis
        await redis.rpush("began", context.request.arena_id)
        while not await redis.exists("go:" + str(context.request.target["ticker"])):
            await asyncio.sleep(0.02)
        return {"synthesis_verdict": "BUY", "seen": [*state.get("seen", []), context.phase]}

@hookimpl
def maf_agents():
    yield AgentSpec(name="waiting", factory=Waiting)
"""
SPEAKER = """
from maf_core import Agent, AgentSpec, hookimpl

class Speaks(Agent):
    async def run(self, state, context):
        return {"synthesis_verdict": "BUY"}

@hookimpl
def maf_agents():
    yield AgentSpec(name="speaks", factory=Speaks)
"""
ARENA = """
name: {name}
summary: {summary}
phases:
  - name: look
    agents: [{{name: one, role: {role}}}]
triggers:
  - {{id: go, on_stream: "{stream}", when: payload.go, target: "{{payload.symbol}}"}}
"""


async def answers_to(redis, command_id: str) -> list[dict]:
    payloads = [codec.decode(fields) for _, fields in entries(await redis.xrange(CONTROL_OUT))]
    return [payload for payload in payloads if payload["command_id"] == command_id]


@pytest.fixture
def ask(redis) -> Callable:
    """Put a command on the stream; gives its id."""

    async def put(**command) -> str:
        made = Command(source="test", **command)
        await publish(redis, CONTROL_IN, made.model_dump(mode="json"))
        return made.command_id

    return put


@pytest.fixture
def answer(redis) -> Callable:
    """Wait for the answer that ends a command."""

    async def last(command_id: str, timeout_s: float = 20) -> dict:
        async def final():
            return [one for one in await answers_to(redis, command_id) if one["status"] != "accepted"]

        return (await wait_until(final, timeout_s))[0]

    return last


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A config folder with the agents `waiting` and `speaks`, and no arena."""
    for name in ("arenas", "plugins"):
        (tmp_path / name).mkdir()
    (tmp_path / "plugins" / "waiting_agent.py").write_text(WAITING)
    (tmp_path / "plugins" / "speaker.py").write_text(SPEAKER)
    return tmp_path


@pytest.fixture
def write_arena(folder: Path) -> Callable:
    """Write an arena into the folder, or write it anew."""

    def write(name: str = "panel", **more: str) -> None:
        said = {"name": name, "summary": "as it was", "role": "waiting", "stream": f"test:{name}", **more}
        (folder / "arenas" / f"{name}.yaml").write_text(ARENA.format(**said))

    return write


@pytest.fixture
async def services(redis, redis_url, folder, maf_process) -> Callable:
    """Start service processes and wait until they are there; gives a function that tells what each says of itself."""
    started = []

    async def start(count: int = 2, **environment: str) -> Callable:
        words = ["service", "run", "--redis", redis_url, "--config", str(folder), "--log-format", "json"]
        words += ["--plugins", "waiting_agent,speaker"]
        processes = [maf_process(*words, MAF_LEASE_S="2", **environment) for _ in range(count)]
        started.extend(processes)

        async def say() -> list[dict]:
            found = [await redis.get(heartbeat_key(process.pid)) for process in processes]
            return [from_json(one) for one in found if one]

        async def all_there() -> bool:
            return len(await say()) == count

        await wait_until(all_there, 30)
        return say

    yield start
    for process in started:
        process.terminate()
    await asyncio.gather(*(asyncio.to_thread(process.communicate) for process in started))

"""Forks a worker for every line on stdin and answers with its pid: nursery.py REDIS_URL OLLAMA_URL LEASE.

Everything is imported before, so that a worker is at work at once and can be killed often.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import replace
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

from pydantic import BaseModel

import maf_core.llm.asking
import maf_core.llm.call  # noqa: F401 - the clients of models, which a worker would import with its first question
from maf_core import Agent, AgentSpec, hookimpl, logs
from maf_core.arenas.config import ArenaConfig
from maf_core.arenas.run import RunContext, RunRequest
from maf_core.context import AppContext
from maf_core.control.inbox import ControlInbox
from maf_core.llm.base import Question
from maf_core.plugins import Candidate, PluginManager, Selection
from maf_core.settings import Settings
from maf_core.streams.connect import connect

STEPS = 2


class Said(BaseModel):
    """What the stand-in is to repeat."""

    token: str


class Witness(Agent):
    """Asks its model a few questions, one after the other, each with a token of its own."""

    async def run(self, state: dict[str, Any], context: Any) -> dict[str, Any]:
        heard = []
        for step in range(STEPS):
            token = f"token-{context.request.command_id}-{self.name}-{step}"
            answer = await context.llm.ask(Question(self.name, "Repeat the token.", token, Said))
            heard.append(answer.value.token)
        return {"heard": {self.name: heard}, "signal": "HOLD"}


def plugins() -> PluginManager:
    """The core and the witness."""
    module = ModuleType("nursery")
    module.maf_agents = hookimpl(lambda: [AgentSpec(name="witness", factory=Witness)])
    return PluginManager.load(Selection(), [Candidate("nursery", "maf-nursery", "1", module=module)])


def arena() -> ArenaConfig:
    """Two witnesses at once, then one more."""

    def phase(name: str, *names: str) -> dict[str, Any]:
        agents = [{"name": one, "role": "witness"} for one in names]
        return {"name": name, "pattern": "parallel", "agents": agents}

    phases = [phase("look", "first", "second"), phase("decide", "third")]
    return ArenaConfig.model_validate({"name": "panel", "target_key": "question", "phases": phases})


def settings_of(redis_url: str, ollama_url: str, lease_s: float) -> Settings:
    """All models are on the stand-in."""
    llm = {"model": "ollama:gpt-oss:20b", "providers": {"ollama": {"base_url": ollama_url, "concurrency": 16}}}
    return Settings(redis_url=redis_url, lease_s=lease_s, llm=llm, max_concurrent_runs=3)


async def warm_up(settings: Settings, manager: PluginManager) -> None:
    """Ask one question: the first one of a process takes many times as long as the next."""
    async with connect(settings.redis_url) as redis:
        context = AppContext.create(redis, settings, manager)
        run = RunContext(context, arena(), RunRequest("panel", {}, datetime.now(UTC), "warm"), "")
        await run.llm.ask(Question("warm", "Repeat the token.", "token-warm", Said))
        await context.llm.aclose()


async def work(settings: Settings, manager: PluginManager, parent: int) -> None:
    """Be a worker until killed, or until the parent is gone."""
    asyncio.get_running_loop().add_reader(parent, os._exit, 0)
    async with connect(settings.redis_url) as redis:
        inbox = ControlInbox(AppContext.create(redis, settings, manager, {"panel": arena()}))
        inbox.consumer.options = replace(inbox.consumer.options, block_ms=20, max_deliveries=1000)
        await inbox.prepare()
        await inbox.run(asyncio.Event())


def main(redis_url: str, ollama_url: str, lease_s: str) -> None:
    """Fork until stdin is closed; the children end with it."""
    logs.configure("error")  # to stderr: stdout is for pids
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    settings, manager, (parent, mine) = settings_of(redis_url, ollama_url, float(lease_s)), plugins(), os.pipe()
    asyncio.run(warm_up(settings, manager))
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os.close(mine)
            asyncio.run(work(settings, manager, parent))
        print(pid, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

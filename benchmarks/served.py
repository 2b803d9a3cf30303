"""The processes that benchmarks/latency.py measures: served.py maf|docket URL.

Each prints when it was called, and `over` when what it was called for is done.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Iterable
from typing import Any

import structlog

STREAM = NAME = "bench:latency"
ARENA = "bench"
CONFIG = {
    "name": ARENA,
    "phases": [{"name": "decide", "agents": [{"name": "first", "role": "says_when"}]}],
    "triggers": [
        {"id": "shift", "on_stream": STREAM, "when": "abs(payload.prob_up_delta) > 0.1", "target": "{payload.symbol}"}
    ],
}


async def begin(_: int) -> None:
    """Docket's task."""
    say_when()
    print("over", flush=True)


def say_when() -> None:
    print(time.monotonic_ns(), flush=True)


def say_over(event: dict[str, Any]) -> None:
    if event["kind"] == "control.ack" and event["payload"]["status"] == "completed":
        print("over", flush=True)


async def serve_docket(url: str) -> None:
    from docket import Docket, Worker

    async with Docket(name=NAME, url=url) as docket:
        docket.register(begin)
        async with Worker(docket) as worker:
            print("ready", flush=True)
            await worker.run_forever()


async def serve_maf(url: str) -> None:
    from maf_core.arenas.config import ArenaConfig
    from maf_core.context import AppContext
    from maf_core.control.inbox import ControlInbox
    from maf_core.plane.triggers import TriggerDispatcher
    from maf_core.plugins import Candidate, PluginManager, Selection
    from maf_core.settings import Settings
    from maf_core.streams.connect import connect

    plugins = PluginManager.load(Selection(), [Candidate("bench", "bench", "1", module=plugin())])
    async with connect(url) as redis:
        context = AppContext.create(redis, Settings(), plugins, {ARENA: ArenaConfig.model_validate(CONFIG)})
        workers = [TriggerDispatcher(context), ControlInbox(context)]
        for worker in workers:
            await worker.prepare()
        print("ready", flush=True)
        stop = asyncio.Event()
        with context.events.observed_by(say_over):
            await asyncio.gather(context.events.run(), *(worker.run(stop) for worker in workers))


def plugin() -> Any:
    """One agent that says when it is called, and decides."""
    from maf_core import Agent, AgentSpec, RunContext, hookimpl
    from maf_core.agents.base import State

    class SaysWhen(Agent):
        async def run(self, state: State, context: RunContext) -> State:
            say_when()
            return {"synthesis_verdict": "HOLD", "synthesis_confidence": 0.5}

    class Plugin:
        @hookimpl
        def maf_agents(self) -> Iterable[AgentSpec]:
            return [AgentSpec(name="says_when", factory=SaysWhen)]

    return Plugin()


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    asyncio.run({"maf": serve_maf, "docket": serve_docket}[sys.argv[1]](sys.argv[2]))

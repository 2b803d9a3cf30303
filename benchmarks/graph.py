"""What a run costs by itself: 4 phases of 8 agents that do nothing, beside the same graph in LangGraph, interleaved.

A run goes on from a state of the given size, with every agent isolated from the others. `maf` keeps its checkpoints in
memory, as LangGraph does here with `InMemorySaver`; `maf+valkey` saves each to an embedded Valkey and writes its events
there. Printed are medians and their ratios, which other load on the machine leaves alone; then what it costs to take a
state in (to copy and check it, once), and how long 16 agents take that sleep 100 ms each. Exits 1 when a target is
missed.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import math
import operator
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, TypedDict
from uuid import uuid4

from maf_core import Agent, AgentSpec, hookimpl
from maf_core.arenas.config import ArenaConfig
from maf_core.arenas.engine import ArenaEngine
from maf_core.arenas.record import RunHead, RunRecord
from maf_core.arenas.run import RunRequest
from maf_core.arenas.state import State, frozen
from maf_core.arenas.store import RunStore
from maf_core.context import AppContext
from maf_core.plugins import Candidate, PluginManager, Selection
from maf_core.settings import Settings
from maf_core.streams.connect import connect
from maf_core.streams.embedded import EmbeddedServer
from maf_core.tasks import cancelled

PHASES, AGENTS = 4, 8
SIZES = {"2 KB": 2_000, "100 KB": 100_000, "1 MB": 1_000_000}
SLEEPERS, SLEEP_S = 16, 0.1
# At most this part of what LangGraph takes; and so long for those who sleep.
TARGETS = {"maf": 1 / 5, "maf+valkey": 1.0}
SLEEP_TARGET_S = 0.115

Run = Callable[[], Awaitable[Any]]


def rows(size: int) -> list[dict[str, Any]]:
    """About so many bytes of bars, as JSON."""
    bar = {"t": "2024-01-02T21:00:00+00:00", "o": 185.5, "h": 186.25, "l": 184.0, "c": 185.75, "v": 82488700.0}
    return [{**bar, "n": number} for number in range(size // 100)]


class Idle(Agent):
    """Does nothing."""

    async def run(self, state: State, context: Any) -> State:
        return {}


class Sleeper(Agent):
    """Sleeps."""

    async def run(self, state: State, context: Any) -> State:
        await asyncio.sleep(SLEEP_S)
        return {"signal": "HOLD"}


class Going(RunStore):
    """A run that goes on from a state which stands there already; it is not read or written again."""

    def __init__(self, app: AppContext, state: State) -> None:
        super().__init__(app.redis, 3600, 10_000)
        self.stands = state

    async def open(self, head: RunHead, state: State, definition: str = "") -> RunRecord:
        record = await super().open(head, state, definition)
        record.state |= self.stands
        record.saved |= self.stands
        return record


class InMemory(Going):
    """Keeps what a checkpoint is: the head and the state of the time, which never change."""

    def __init__(self, app: AppContext, state: State) -> None:
        super().__init__(app, state)
        self.kept: dict[str, list[tuple[str, State]]] = {}

    async def open(self, head: RunHead, state: State, definition: str = "") -> RunRecord:
        return RunRecord(head, {**state, **self.stands})

    async def save(self, record: RunRecord) -> None:
        checkpoint = (record.head.model_dump_json(), dict(record.state))
        self.kept.setdefault(record.head.request.arena_id, []).append(checkpoint)


def plugins() -> PluginManager:
    """The core with two more roles."""
    module = ModuleType("bench")
    roles = [AgentSpec(name="idle", factory=Idle), AgentSpec(name="sleeper", factory=Sleeper)]
    module.maf_agents = hookimpl(lambda: roles)  # type: ignore[attr-defined]
    return PluginManager.load(Selection(), [Candidate("bench", "maf-bench", "1", module=module)])


def arena(role: str, phases: int, agents: int) -> ArenaConfig:
    """An arena of parallel phases."""
    steps = [
        {
            "name": f"phase_{step}",
            "pattern": "parallel",
            "agents": [{"name": f"agent_{step}_{number}", "role": role} for number in range(agents)],
        }
        for step in range(phases)
    ]
    return ArenaConfig.model_validate({"name": role, "phases": steps})


def request(name: str) -> RunRequest:
    return RunRequest(name, {"ticker": "AAPL"}, datetime(2024, 1, 2, 21, tzinfo=UTC), uuid4().hex)


def maf(app: AppContext, store: RunStore) -> Run:
    """A run of ours."""
    engine = ArenaEngine(app, store)

    async def run() -> None:
        done = await engine.run(request("idle"))
        assert done.error is None, done.error
        assert len(done.state["phase_timings"]) == PHASES

    return run


def langgraph(state: dict[str, Any]) -> Run:
    """A run of LangGraph's: every phase is a step whose nodes run at once."""
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.graph import END, START, StateGraph

    class Shared(TypedDict):
        rows: list[dict[str, Any]]
        signals: Annotated[dict[str, Any], operator.or_]

    async def idle(_: Shared) -> dict[str, Any]:
        return {}

    graph, before = StateGraph(Shared), [START]
    for step in range(PHASES):
        names = [f"agent_{step}_{number}" for number in range(AGENTS)]
        for name in names:
            graph.add_node(name, idle)
            graph.add_edge(before if step else START, name)
        before = names
    graph.add_edge(before, END)
    app = graph.compile(checkpointer=InMemorySaver())
    given = {"rows": state["rows"], "signals": {}}

    async def run() -> None:
        await app.ainvoke(given, {"configurable": {"thread_id": uuid4().hex}})

    return run


async def took(run: Run) -> float:
    """Milliseconds."""
    started = time.perf_counter()
    await run()
    return (time.perf_counter() - started) * 1000


async def measure(contenders: dict[str, Run], rounds: int) -> dict[str, float]:
    """Medians; the first rounds only warm up."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 5):
        for name, run in contenders.items():
            gc.collect()  # nobody pays for what the one before left
            found = await took(run)
            if number >= 5:
                times[name].append(found)
    return {name: statistics.median(found) for name, found in times.items()}


def show(size: str, medians: dict[str, float]) -> bool:
    """Print one size; whether its targets are met."""
    fine, peer = True, medians.get("langgraph", math.nan)  # without it all ratios are unknown, and no target is met
    for name, median in medians.items():
        target = f"target: {TARGETS[name]:.2f}" if name in TARGETS else ""
        print(f"{size:>7}  {name:12} {median:7.2f} ms  {median / peer:5.2f} of LangGraph  {target}".rstrip())
        fine = fine and (name not in TARGETS or median <= TARGETS[name] * peer)
    return fine


def taken_in(size: int) -> float:
    """Milliseconds to copy and check a state of this size."""
    data = rows(size)

    def once() -> float:
        started = time.perf_counter()
        frozen(data)
        return (time.perf_counter() - started) * 1000

    return statistics.median(once() for _ in range(9))


async def slept(app: AppContext) -> float:
    """How long 16 agents take that sleep at once, in seconds."""
    engine = ArenaEngine(app)
    return statistics.median([await took(lambda: engine.run(request("sleeper"))) for _ in range(5)]) / 1000


async def compare(app: AppContext, rounds: int, *, alone: bool) -> bool:
    """Print all figures; whether all targets are met."""
    fine = True
    for name, size in SIZES.items():
        state = {"rows": rows(size), "signal": "HOLD"}
        stands = dict(frozen(state))
        # Events of the run in memory go nowhere: there is nobody to write them.
        silent = AppContext.create(app.redis, app.settings, app.plugins, app.arenas)
        contenders = {} if alone else {"langgraph": langgraph(state)}
        contenders |= {
            "maf": maf(silent, InMemory(silent, stands)),
            "maf+valkey": maf(app, Going(app, stands)),
        }
        fine = show(name, await measure(contenders, rounds)) and fine
    for name, size in SIZES.items():
        print(f"{name:>7}  taking it in {taken_in(size):7.2f} ms")
    seconds = await slept(app)
    print(f"{SLEEPERS} agents that sleep {SLEEP_S * 1000:.0f} ms: {seconds * 1000:.1f} ms  target: 115.0")
    return fine and seconds <= SLEEP_TARGET_S


async def main(rounds: int, *, alone: bool) -> bool:
    """Run everything on a server of our own."""
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedServer(Path(folder), appendfsync="everysec")
        await server.start()
        async with connect(server.url) as redis:
            arenas = {one.name: one for one in (arena("idle", PHASES, AGENTS), arena("sleeper", 1, SLEEPERS))}
            app = AppContext.create(redis, Settings(), plugins(), arenas)
            bus = asyncio.create_task(app.events.run())
            try:
                return await compare(app, rounds, alone=alone)
            finally:
                await cancelled([bus])
                await server.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--alone", action="store_true", help="without LangGraph")
    options = parser.parse_args()
    sys.exit(not asyncio.run(main(options.rounds, alone=options.alone)))

"""What several of the core's tests share: plugins made on the spot, small panels, and the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from types import ModuleType
from typing import Any, TypeVar
from unittest.mock import patch
from uuid import uuid4

import pytest
import structlog
from pydantic import ConfigDict

from maf_core import (
    Agent,
    AgentSpec,
    BaseSource,
    ConsumerWorker,
    RunContext,
    SourceQuery,
    SourceResult,
    SourceSpec,
    hookimpl,
)
from maf_core.agents.base import AgentOptions, State
from maf_core.arenas.config import ArenaConfig
from maf_core.arenas.run import RunRequest
from maf_core.cli import root
from maf_core.plugins import Candidate, PluginManager, Selection
from maf_core.plugins.readers import HOOKS
from maf_core.records import Record
from maf_core.sources.base import SourceConfig
from maf_core.sources.freshness import FreshnessSpec, StreamFreshness

ConsumerT = TypeVar("ConsumerT", bound=ConsumerWorker)
AS_OF = datetime(2024, 3, 1, 21, tzinfo=UTC)


class AnyOptions(AgentOptions):
    """Whatever a test puts there."""

    model_config = ConfigDict(extra="allow")


class AnyConfig(SourceConfig):
    """Whatever a test puts there."""

    model_config = ConfigDict(extra="allow")


@pytest.fixture
def role() -> Callable[..., AgentSpec]:
    """Make an agent role from `async run(agent, state, context) -> patch`."""

    def make(name: str, run: Callable[[Agent, State, RunContext], Awaitable[Any]]) -> AgentSpec:
        class Scripted(Agent):
            Options = AnyOptions

            async def run(self, state: State, context: RunContext) -> State:
                return await run(self, state, context)

        return AgentSpec(name=name, factory=Scripted)

    return make


@pytest.fixture
def source() -> Callable[..., SourceSpec]:
    """Make a source from `async fetch(query) -> SourceResult`."""

    def make(name: str, fetch: Callable[[SourceQuery], Awaitable[SourceResult]]) -> SourceSpec:
        class Scripted(BaseSource):
            Config = AnyConfig

            @classmethod
            def freshness_spec(cls, config: Any) -> FreshnessSpec:
                return StreamFreshness(f"made:{name}")

            async def fetch(self, query: SourceQuery) -> SourceResult:
                return await fetch(query)

        return SourceSpec(name=name, factory=Scripted)

    return make


@pytest.fixture
def speaker(role: Callable[..., AgentSpec]) -> AgentSpec:
    """The role `speaker`: says the signal and confidence of its options."""

    async def run(agent: Agent, state: State, context: RunContext) -> State:
        said = agent.options.model_dump()
        return {"signals": {agent.name: {"agent": agent.name, "domain": "", **said}}}

    return role("speaker", run)


def _hook(records: list[Record]) -> Callable[[], list[Record]]:
    def give() -> list[Record]:
        return records

    return hookimpl(give)


@pytest.fixture
def plugin_of() -> Callable[..., ModuleType]:
    """A plugin module that gives these records through the hooks of their kinds."""

    def make(*records: Record) -> ModuleType:
        module = ModuleType("made_by_a_test")
        for hook, kind in HOOKS.items():
            mine = [record for record in records if isinstance(record, kind)]
            if mine:
                setattr(module, hook, _hook(mine))
        return module

    return make


@pytest.fixture
def load(plugin_of: Callable[..., ModuleType]) -> Callable[..., PluginManager]:
    """Load one plugin that gives these records, next to the core."""

    def make(*records: Record) -> PluginManager:
        manager = PluginManager.load(Selection(), [Candidate("made", "maf-made", "1", module=plugin_of(*records))])
        assert not [row.reason for row in manager.rows if row.reason]
        return manager

    return make


@pytest.fixture
def panel() -> Callable[..., ArenaConfig]:
    """An arena `panel` from its phases, each a mapping as in YAML."""

    def make(*phases: Mapping[str, Any], **more: Any) -> ArenaConfig:
        return ArenaConfig.model_validate({"name": "panel", "phases": list(phases), **more})

    return make


@pytest.fixture
def request_for() -> Callable[..., RunRequest]:
    """A request to run the arena `panel` for a ticker."""

    def make(**more: Any) -> RunRequest:
        target = {"ticker": "AAPL", "trade_date": "2024-03-01"}
        return RunRequest(**{"arena": "panel", "target": target, "as_of": AS_OF, "command_id": uuid4().hex, **more})

    return make


@pytest.fixture
def brisk() -> Callable[[ConsumerT], ConsumerT]:
    """Let a worker look often whether it is to stop; by default it waits for entries for a second."""

    def make(worker: ConsumerT) -> ConsumerT:
        worker.consumer.options = replace(worker.consumer.options, block_ms=10)
        return worker

    return make


def clean_environment(**more: str) -> dict[str, str]:
    """This process's environment without what a developer may have set for MAF."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAF_", "REDIS_"))}
    return {**kept, **more}


@pytest.fixture
def maf_process() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `python -m maf_core …`; keywords are environment variables. What still runs is killed afterwards."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "maf_core", *arguments],
            env=clean_environment(**environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with process:
            process.kill()


@pytest.fixture(scope="session")
def maf() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `python -m maf_core …` to its end; keywords are environment variables."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "maf_core", *arguments]
        return subprocess.run(
            command, env=clean_environment(**environment), capture_output=True, text=True, timeout=60, check=False
        )

    return run


def _exit_code() -> int:
    try:
        root.run()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


@pytest.fixture
def maf_here() -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """As `maf`, but in a thread of this process: an interpreter takes longer to start than most commands to run."""
    logging = structlog.get_config()

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command, out, err = ["maf", *arguments], StringIO(), StringIO()
        with (
            patch.dict(os.environ, clean_environment(**environment), clear=True),
            patch.object(sys, "argv", command),
            redirect_stdout(out),
            redirect_stderr(err),
            ThreadPoolExecutor(1) as thread,  # of its own, as the test may have an event loop in this one
        ):
            code = thread.submit(_exit_code).result(60)
        return subprocess.CompletedProcess(command, code, out.getvalue(), err.getvalue())

    yield run
    structlog.configure(**logging)

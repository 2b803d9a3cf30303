"""Asking models that a test scripts, through the providers, budgets and records that a run uses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import pytest
from tests.llm.session.scripted import GOOD, Bench, MemoryRecorder, Verdict, lab

from maf_core.arenas.config import BudgetConfig
from maf_core.llm.base import Question
from maf_core.llm.service import LLMService
from maf_core.plugins import PluginManager
from maf_core.records import LLMProviderSpec
from maf_core.settings import LLMSettings


@pytest.fixture
def question() -> Callable[..., Question[Verdict]]:
    """Ask for a verdict."""

    def make(prompt: str = "Which way?", **more: Any) -> Question[Verdict]:
        return Question(agent="analyst", instructions="Judge.", prompt=prompt, output=Verdict, **more)

    return make


@pytest.fixture(autouse=True)
def no_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask again soon."""
    monkeypatch.setattr("maf_core.llm.failures._PAUSE_SECONDS", 0.01)


@pytest.fixture
async def process(redis) -> AsyncIterator[Callable[..., Bench]]:
    """A process with one session: `process(plugins, budget={...} as in an arena, **LLMSettings)`."""
    services = []

    def make(
        plugins: PluginManager,
        *,
        budget: dict[str, Any] | None = None,
        recorder: Any = None,
        run: str | None = None,
        arena: str = "panel",
        tracer: Any = None,
        **settings: Any,
    ) -> Bench:
        service = LLMService(redis, LLMSettings(**settings), plugins, tracer=tracer)
        services.append(service)
        events: list[dict[str, Any]] = []
        run = run or uuid4().hex
        session = service.session(
            arena=arena,
            arena_id=run,
            model=None,
            budget=BudgetConfig.model_validate(budget or {}),
            recorder=recorder or MemoryRecorder(),
            emit=lambda kind, **payload: events.append({"kind": kind, **payload}),
        )
        return Bench(service, session, run, events)

    yield make
    for service in services:
        await service.aclose()


@pytest.fixture
def bench(process, load) -> Callable[..., Bench]:
    """A process whose provider `lab` has one model, `lab:first`, or the named ones of a `Models`; see `lab`."""

    def make(said: Any = None, *, models: dict[str, Any] | None = None, **more: Any) -> Bench:
        models = models or {"first": GOOD if said is None else said}
        asked: list[str] = []
        plugins = load(LLMProviderSpec(name="lab", factory=lab(models, asked)))
        made = process(plugins, **{"model": f"lab:{next(iter(models))}", **more})
        made.asked = asked
        return made

    return make

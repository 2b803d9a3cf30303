"""What a run says of the models it asked, the memories it recalled, and the time it took in which part."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

import pytest
from pydantic import BaseModel

from maf_core import MemoryBackendSpec, SourceResult
from maf_core.arenas.engine import ArenaEngine
from maf_core.llm.base import Question
from maf_core.memory.base import MemoryBackend
from maf_core.telemetry.tracer import Span, Tracer
from maf_core.testing import wait_until

MODEL = "gpt-oss:20b"


class Words(BaseModel):
    """What the model is to say."""

    words: str


def phases(*names: str) -> list[dict]:
    return [{"name": name, "agents": [{"name": f"in_{name}", "role": "asks"}]} for name in names]


@pytest.fixture
def reached() -> list[str]:
    """The phases that hang, once their agent has its answer."""
    return []


@pytest.fixture
async def engine(make_context, load, panel, role, ollama, reached):
    """A worker's engine, whose agents ask a model on the stand-in; those of the phase `hangs` never come to an end."""

    contexts = []

    def make(*names: str, hangs: str = "", model: str = f"ollama:{MODEL}", records=(), **arena) -> ArenaEngine:
        async def step(agent, state, context):
            if context.llm.wants_model(agent.config.model):
                question = Question(agent.name, "Say something.", f"In {context.phase}.", Words)
                await context.llm.ask(question)
            if context.phase == hangs:
                reached.append(hangs)
                await asyncio.Event().wait()
            return {"signal": "HOLD"}

        llm = {"model": model, "providers": {"ollama": {"base_url": ollama.url}}}
        plugins = load(role("asks", step), *records)
        contexts.append(make_context(plugins=plugins, arenas=[panel(*phases(*names), **arena)], llm=llm))
        return ArenaEngine(contexts[-1])

    yield make
    for context in contexts:
        await context.llm.aclose()


async def test_a_run_says_what_its_models_cost(engine, ollama, request_for):
    done = await engine("a", "b").run(request_for())
    calls = ollama.calls
    assert len(calls) == 2
    usage = done.meta["llm"]
    assert (usage["calls"], usage["models"], usage["fallbacks"]) == (2, [f"ollama:{MODEL}"], [])
    assert usage["tokens_in"] == sum(call.tokens_in for call in calls)
    assert usage["tokens_out"] == sum(call.tokens_out for call in calls)
    assert done.state["llm_model"] == f"ollama:{MODEL}"


async def test_without_a_model_it_says_rules_and_nothing_of_cost(engine, ollama, request_for):
    done = await engine("a", model="rules").run(request_for())
    assert done.state["llm_model"] == "rules"
    assert "llm" not in done.meta
    assert ollama.calls == []


@pytest.mark.parametrize("hangs", ["a", "b", "c"])
async def test_a_run_that_was_taken_over_asked_nobody_twice_and_counts_everything_once(
    engine, ollama, reached, request_for, hangs
):
    request = request_for()
    dying = asyncio.create_task(engine("a", "b", "c", hangs=hangs).run(request))
    await wait_until(lambda: reached)
    dying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dying
    done = await engine("a", "b", "c").run(request)
    assert len(ollama.calls) == 3
    usage = done.meta["llm"]
    assert usage["calls"] == 3
    assert usage["tokens_in"] == sum(call.tokens_in for call in ollama.calls)


@pytest.mark.parametrize(("limits", "asked"), [({"calls": 1}, 1), ({"calls": 2}, 2), ({}, 3)])
async def test_a_binding_is_asked_no_more_often_than_its_budget_allows(run_arena, panel, role, source, limits, asked):
    count = []

    async def fetch(query):
        count.append(query)
        return SourceResult(None, gaps=("no_feed",))

    async def again(agent, state, context):
        answer = await context.fetch("bars")
        context.forget_answers()
        return {"seen": {agent.name: list(answer.gaps)}, "signal": "HOLD"}

    agents = [{"name": name, "role": "again", "sources": ["bars"]} for name in "abc"]
    arena = panel(
        {"name": "look", "pattern": "sequential", "agents": agents},
        sources={"bars": {"source": "feed"}},
        budget={"sources": {"bars": limits}},
    )
    done = await run_arena(arena, role("again", again), source("feed", fetch))
    assert len(count) == asked
    assert [metric["success"] for metric in done.state["source_metrics"]] == [True] * asked + [False] * (3 - asked)


async def test_a_binding_takes_no_longer_than_its_budget_allows(run_arena, panel, role, source):
    async def hangs(query):
        await asyncio.Event().wait()

    async def step(agent, state, context):
        return {"gaps_seen": list((await context.fetch("bars")).gaps), "signal": "HOLD"}

    arena = panel(
        {"name": "look", "agents": [{"name": "a", "role": "step", "sources": ["bars"]}]},
        sources={"bars": {"source": "feed"}},
        budget={"sources": {"bars": {"seconds": 0.1}}},
    )
    done = await run_arena(arena, role("step", step), source("feed", hangs))
    assert (done.state["gaps_seen"], done.meta["abstained"]) == (["no_feed"], {})


class Recalling(MemoryBackend):
    """Has nothing to recall, and counts how often it was asked."""

    asked = 0

    def __init__(self, context) -> None:
        pass

    async def remember(self, memory) -> None:
        raise AssertionError("nothing is finished here")

    async def outcome(self, arena_id, outcome) -> None:
        raise AssertionError("nothing came of it")

    async def recall(self, query):
        type(self).asked += 1
        return []


async def test_memories_are_recalled_once_for_a_run_whoever_carries_it_on(engine, request_for, reached):
    Recalling.asked = 0
    backend = MemoryBackendSpec(name="kept", factory=Recalling)
    request, more = request_for(), {"records": (backend,), "memory": {"backend": "kept"}}
    dying = asyncio.create_task(engine("a", "b", hangs="a", **more).run(request))
    await wait_until(lambda: reached)
    dying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dying
    done = await engine("a", "b", **more).run(request)
    assert (done.state["memories"], done.error, Recalling.asked) == ([], None, 1)


async def test_without_a_memory_nothing_is_recalled(engine, request_for):
    assert "memories" not in (await engine("a", model="rules").run(request_for())).state


class Paths(Tracer):
    """Keeps the path of names that leads to every span."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self._above: ContextVar[str] = ContextVar("above", default="")

    @contextmanager
    def span(self, name: str, **attributes):
        path = f"{self._above.get()}/{name}"
        self.paths.append(path)
        token = self._above.set(path)
        try:
            yield Span()
        finally:
            self._above.reset(token)


async def test_spans_lead_from_the_run_to_the_source(make_context, load, panel, role, source, request_for):
    async def fetch(query):
        return SourceResult([1])

    async def step(agent, state, context):
        await context.fetch("bars")
        return {"signal": "HOLD"}

    agents = [{"name": "a", "role": "step", "sources": ["bars"]}]
    arena = panel({"name": "look", "agents": agents}, sources={"bars": {"source": "feed"}})
    tracer = Paths()
    context = make_context(plugins=load(role("step", step), source("feed", fetch)), arenas=[arena])
    await ArenaEngine(replace(context, tracer=tracer)).run(request_for())
    assert tracer.paths == [
        "/run panel",
        "/run panel/phase look",
        "/run panel/phase look/agent a",
        "/run panel/phase look/agent a/source bars",
    ]

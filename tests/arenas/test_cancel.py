"""A run that is cancelled ends at whatever it waits for, says so, and nothing of it goes out."""

from __future__ import annotations

import asyncio

import pytest

from maf_core import RouterSpec, publish_once
from maf_core.app import MAFApp
from maf_core.arenas.engine import ArenaEngine
from maf_core.streams.names import ACTIONS, DECISIONS
from maf_core.testing import wait_until


@pytest.fixture
def at_work() -> list[str]:
    """Where runs have come to."""
    return []


@pytest.fixture
def engine(make_context, load, panel, role, source, at_work):
    """An engine whose arena waits where it is told to: in an agent, in a source, in a recorded question."""

    def make(waits: str = "agent", **more) -> ArenaEngine:
        async def hang():
            at_work.append(waits)
            await asyncio.Event().wait()

        async def fetch(query):
            await hang()

        async def step(agent, state, context):
            if waits == "source":
                await context.fetch("prices")
            elif waits == "recorder":
                await context.recorder.answered("llm", {"agent": agent.name}, hang)
            elif waits == "agent":
                await hang()
            return {"synthesis_verdict": "BUY"}

        agents = [{"name": name, "role": "step", "sources": ["prices"]} for name in "ab"]
        arena = panel({"name": "look", "pattern": "parallel", "agents": agents}, sources={"prices": {"source": "feed"}})
        plugins = load(role("step", step), source("feed", fetch))
        return ArenaEngine(make_context(plugins=plugins, arenas=[arena], **more))

    return make


@pytest.mark.parametrize("waits", ["agent", "source", "recorder"])
async def test_it_ends_at_whatever_it_waits_for(engine, at_work, request_for, waits):
    one, request = engine(waits), request_for()
    running = asyncio.create_task(one.run(request))
    await wait_until(lambda: at_work)
    assert await one.cancel(request.arena_id, "changed our mind")
    done = await running
    assert (done.status, done.error) == ("cancelled", "the run was cancelled: changed our mind")
    assert done.state["synthesis_verdict"] == "HOLD"
    assert done.state["synthesis_reasoning"] == "HOLD: the run was cancelled: changed our mind"


async def test_it_stays_cancelled(engine, at_work, request_for):
    one, request = engine(), request_for()
    running = asyncio.create_task(one.run(request))
    await wait_until(lambda: at_work)
    await one.cancel(request.arena_id, "enough")
    first = await running
    again = await engine("nowhere").run(request)
    assert (again.status, again.error, again.state) == ("cancelled", first.error, first.state)
    assert at_work == ["agent", "agent"]


async def test_nothing_of_it_is_published(redis, make_context, load, panel, role, request_for, at_work):
    published = []

    class Router:
        def __init__(self, context):
            pass

        async def publish(self, run):
            published.append(run.arena_id)
            return (await publish_once(redis, DECISIONS, run.arena_id, {})).id

    async def hang(agent, state, context):
        at_work.append(agent.name)
        await asyncio.Event().wait()

    plugins = load(role("hang", hang), RouterSpec(name="all", target_key="ticker", factory=Router, priority=1))
    context = make_context(plugins=plugins, arenas=[panel({"name": "look", "agents": [{"name": "a", "role": "hang"}]})])
    app, request = MAFApp(context), request_for()
    running = asyncio.create_task(app.run(request))
    await wait_until(lambda: at_work)
    assert await app.cancel(request.arena_id, "enough")
    assert (await running).status == "cancelled"
    assert (await MAFApp(context).run(request)).status == "cancelled"
    assert published == []
    assert await redis.exists(ACTIONS, DECISIONS) == 0


async def test_a_run_that_is_over_cannot_be_cancelled(engine, request_for):
    one, request = engine("nowhere"), request_for()
    await one.run(request)
    assert not await one.cancel(request.arena_id, "too late")
    assert (await one.run(request)).status == "completed"


async def test_a_run_that_nobody_knows_cannot_be_cancelled(engine):
    assert not await engine().cancel("panel-unknown", "why not")


async def test_one_of_a_process_that_died_is_cancelled_too(engine, at_work, request_for):
    here, request = engine(), request_for()
    dying = asyncio.create_task(engine().run(request))
    await wait_until(lambda: at_work)
    dying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dying
    assert await here.cancel(request.arena_id, "not now")
    assert (await engine("nowhere").run(request)).error == "the run was cancelled: not now"


async def test_the_other_process_gives_up_and_says_the_same(make_context, load, panel, role, request_for, at_work):
    gate = asyncio.Event()

    async def step(agent, state, context):
        at_work.append(agent.name)
        await gate.wait()
        return {"synthesis_verdict": "BUY"}

    arena = panel({"name": "look", "agents": [{"name": "a", "role": "step"}]})
    context = make_context(plugins=load(role("step", step)), arenas=[arena])
    other, request = ArenaEngine(context), request_for()
    running = asyncio.create_task(other.run(request))
    await wait_until(lambda: at_work)
    assert await ArenaEngine(context).cancel(request.arena_id, "not now")
    gate.set()
    done = await running
    assert (done.status, done.error) == ("cancelled", "the run was cancelled: not now")


async def test_one_that_waits_for_its_place_is_cancelled_too(make_context, load, panel, role, request_for, at_work):
    async def hang(agent, state, context):
        at_work.append(agent.name)
        await asyncio.Event().wait()

    arena = panel({"name": "look", "agents": [{"name": "a", "role": "hang"}]}, limits={"max_runs_at_once": 1})
    engine = ArenaEngine(make_context(plugins=load(role("hang", hang)), arenas=[arena]))
    first, second = request_for(), request_for()
    running = [asyncio.create_task(engine.run(request)) for request in (first, second)]
    await wait_until(lambda: at_work)
    cancelling = asyncio.create_task(engine.cancel(second.arena_id, "the second"))
    await engine.cancel(first.arena_id, "the first")
    assert await cancelling
    assert [done.error for done in await asyncio.gather(*running)] == [
        "the run was cancelled: the first",
        "the run was cancelled: the second",
    ]
    assert at_work == ["a"]

"""A record that is opened ahead, while it is not yet certain that the run may be: nobody loses a run by it."""

from __future__ import annotations

import pytest

from maf_core.arenas.engine import ArenaEngine
from maf_core.arenas.record import run_key
from maf_core.arenas.store import RUNS


@pytest.fixture
def engine(make_context, load, speaker, panel):
    speaks = {"name": "a", "role": "speaker", "options": {"signal": "BULLISH", "confidence": 0.8}}
    arena = panel(
        {"name": "look", "agents": [speaks]}, {"name": "decide", "agents": [{"name": "v", "role": "synthesis"}]}
    )
    context = make_context(plugins=load(speaker), arenas=[arena])
    return lambda: ArenaEngine(context)


async def test_the_run_goes_on_with_what_was_begun(redis, engine, request_for):
    request = request_for()
    begun = await engine().begin(request)
    done = await engine().run(request, begun)
    assert (done.status, done.state["synthesis_verdict"]) == ("completed", "BUY")
    assert done.correlation_id == begun.head.correlation_id
    assert await redis.hget(run_key(request.arena_id), "epoch") == b"1"


async def test_what_is_not_to_be_leaves_nothing(redis, engine, request_for):
    request = request_for()
    await engine().drop(await engine().begin(request))
    assert not await redis.exists(run_key(request.arena_id))
    assert await redis.zcard(RUNS) == 0


async def test_whoever_has_begun_keeps_the_run(engine, request_for):
    request = request_for()
    begun = await engine().begin(request)
    assert await engine().begin(request) is None
    assert (await engine().run(request, begun)).status == "completed"


async def test_what_another_has_taken_up_is_not_taken_back(engine, request_for):
    request = request_for()
    begun = await engine().begin(request)
    done = await engine().run(request)  # whose claim it is takes it up
    await engine().drop(begun)
    assert (await engine().run(request)).correlation_id == done.correlation_id


async def test_who_comes_late_with_what_was_begun_gets_the_others_result(engine, request_for):
    request = request_for()
    begun = await engine().begin(request)
    done = await engine().run(request)
    late = await engine().run(request, begun)
    assert late.state["phase_timings"] == done.state["phase_timings"]


async def test_an_arena_that_is_not_there_is_not_begun(engine, request_for):
    assert await engine().begin(request_for(arena="nobodys")) is None

"""What agents see of an arena's memory."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from maf_core.app import MAFApp
from maf_core.memory.backends import backend_of
from maf_core.testing import wait_until

PHASES = [{"name": name, "agents": [{"name": name, "role": "witness"}]} for name in ("first", "second")]


@pytest.fixture
def seen() -> list[tuple[str, list[str]]]:
    """Phase by phase, the decisions that the agent found in its state."""
    return []


@pytest.fixture
def app(remembering, role, seen):
    """A new worker process's application; `blocks` names the phase in which its runs hang."""

    def make(blocks: str = "", **arena) -> MAFApp:
        async def run(agent, state, context):
            seen.append((agent.name, [one["arena_id"] for one in state.get("memories", ())]))
            if agent.name == blocks:
                await asyncio.Event().wait()
            return {"synthesis_verdict": "BUY", "synthesis_confidence": 0.5}

        return MAFApp(remembering(role("witness", run), phases=PHASES, **arena))

    return make


async def test_every_phase_sees_what_was_recalled_before_the_first(app, seen, request_for, memory):
    await backend_of(app().context, "bm25").remember(memory())
    run = await app().run(request_for())
    assert seen == [("first", ["panel-1"]), ("second", ["panel-1"])]
    assert run.state["memories"][0]["situation"] == "target: ticker AAPL"


async def test_the_next_run_recalls_this_one(app, seen, request_for):
    first = request_for(command_id="c")
    await app().run(first)
    seen.clear()
    await app().run(request_for(as_of=first.as_of + timedelta(days=1)))
    assert seen[0] == ("first", ["panel-c"])


@pytest.mark.parametrize("dies", ["first", "second"])
async def test_a_run_that_is_taken_up_again_sees_the_same(app, seen, request_for, memory, dies):
    backend = backend_of(app().context, "bm25")
    await backend.remember(memory())
    request = request_for()
    task = asyncio.create_task(app(blocks=dies).run(request))
    await wait_until(lambda: seen and seen[-1][0] == dies)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await backend.remember(memory(arena_id="panel-2"))  # late, as from a service that was away
    seen.clear()
    run = await app().run(request)
    assert {tuple(memories) for _, memories in seen} == {("panel-1",)}
    assert [one["arena_id"] for one in run.state["memories"]] == ["panel-1"]


async def test_an_arena_without_a_memory_has_none_in_its_state(app, request_for):
    run = await app(memory=None).run(request_for())
    assert "memories" not in run.state

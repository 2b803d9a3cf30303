"""A run outlives the worker that began it, and what is finished is not begun again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from maf_core.arenas.engine import ArenaEngine
from maf_core.errors import UnknownNameError
from maf_core.testing import wait_until

PHASES = [{"name": name, "agents": [{"name": f"in_{name}", "role": "custom"}]} for name in ("a", "b", "c")]


@pytest.fixture
def journal() -> list[tuple[str, str]]:
    """The phases that ran, each with the correlation id it ran under."""
    return []


@pytest.fixture
def engine(make_context, load, panel, role, journal):
    """A new worker process's engine; `blocks` names the phase in which its runs hang."""

    def make(blocks: str | None = None) -> ArenaEngine:
        async def step(agent, state, context):
            journal.append((context.phase, context.correlation_id))
            if context.phase == blocks:
                await asyncio.Event().wait()
            seen = [*state.get("seen", []), context.phase]
            return {"seen": seen, "synthesis_verdict": "BUY"}

        return ArenaEngine(make_context(plugins=load(role("custom", step)), arenas=[panel(*PHASES)]))

    return make


async def dies_in(phase: str, engine, journal, request) -> None:
    """Run until `phase` has begun, then kill the worker."""
    before = len(journal)
    task = asyncio.create_task(engine(blocks=phase).run(request))
    await wait_until(lambda: len(journal) > before and journal[-1][0] == phase)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    ("dies", "visited"), [("a", ["a", "a", "b", "c"]), ("b", ["a", "b", "b", "c"]), ("c", ["a", "b", "c", "c"])]
)
async def test_a_run_goes_on_from_the_phase_its_worker_died_in(engine, journal, request_for, dies, visited):
    request = request_for()
    await dies_in(dies, engine, journal, request)
    done = await engine().run(request)
    assert [phase for phase, _ in journal] == visited
    assert done.state["seen"] == ["a", "b", "c"]
    assert done.error is None


@pytest.mark.parametrize("dies", ["a", "b"])
async def test_it_keeps_its_correlation_id(engine, journal, request_for, dies):
    request = request_for()
    await dies_in(dies, engine, journal, request)
    done = await engine().run(request)
    assert {correlation_id for _, correlation_id in journal} == {done.correlation_id}


async def test_it_can_die_more_than_once(engine, journal, request_for):
    request = request_for()
    for phase in ("b", "b", "c"):
        await dies_in(phase, engine, journal, request)
    assert (await engine().run(request)).state["seen"] == ["a", "b", "c"]
    assert [phase for phase, _ in journal] == ["a", "b", "b", "b", "c", "c"]


async def test_the_time_before_the_death_counts(engine, journal, request_for):
    request = request_for()
    await dies_in("c", engine, journal, request)
    done = await engine().run(request)
    assert done.seconds >= sum(timing["seconds"] for timing in done.state["phase_timings"])


async def test_a_finished_run_is_not_run_again(engine, journal, request_for):
    request = request_for()
    first = await engine().run(request)
    again = await engine().run(request)
    assert len(journal) == 3
    assert (again.state, again.correlation_id, again.seconds) == (first.state, first.correlation_id, first.seconds)


async def test_a_failed_run_is_not_run_again_either(make_context, load, panel, role, request_for):
    asked = []

    async def hop(agent, state, context):
        asked.append(1)
        return {"_next_phase": "nowhere"}

    request = request_for()
    for _ in range(2):
        context = make_context(plugins=load(role("custom", hop)), arenas=[panel(*PHASES)])
        done = await ArenaEngine(context).run(request)
        assert "nowhere" in done.error
    assert len(asked) == 1


async def test_each_command_is_a_run_of_its_own(engine, journal, request_for):
    one, other = request_for(), request_for()
    assert (await engine().run(one)).arena_id != (await engine().run(other)).arena_id
    assert len(journal) == 6


@pytest.fixture
def later(make_context, load, panel, role):
    """A new worker process's engine, after the arena has changed, or with no arena at all."""

    def make(*arenas) -> ArenaEngine:
        async def step(agent, state, context):
            return {"seen": [*state.get("seen", []), context.phase], "synthesis_verdict": "BUY"}

        return ArenaEngine(make_context(plugins=load(role("custom", step)), arenas=arenas))

    return make


@pytest.mark.parametrize("changed", [True, False], ids=["changed", "gone"])
async def test_it_goes_on_with_the_arena_it_began_with(later, panel, engine, journal, request_for, changed):
    request = request_for()
    await dies_in("b", engine, journal, request)
    done = await later(*[panel(PHASES[0], summary="Another one")] * changed).run(request)
    assert (done.error, done.state["seen"], done.arena.summary) == (None, ["a", "b", "c"], "")


async def test_without_that_it_goes_on_with_the_arena_as_it_is_and_fails_in_words(
    redis, later, panel, engine, journal, request_for
):
    request = request_for()
    await dies_in("b", engine, journal, request)
    for key in await redis.keys("maf:arena-definition:*"):
        await redis.delete(key)
    assert "there is no phase 'b'" in (await later(panel(PHASES[0])).run(request)).error


async def test_a_run_of_an_arena_that_never_was_says_which_there_are(later, panel, request_for):
    with pytest.raises(UnknownNameError, match="there is no arena 'panel'; there are none"):
        await later().run(request_for())


async def test_it_keeps_its_present(engine, journal, request_for):
    """Asked for by hand, a command names no time; taken over an hour later, the run must not know more."""
    request = request_for()
    await dies_in("b", engine, journal, request)
    done = await engine().run(replace(request, as_of=request.as_of + timedelta(hours=1)))
    assert done.request.as_of == request.as_of


async def test_a_server_that_is_away_is_not_taken_for_missing_data(make_context, load, panel, role, request_for):
    """The run is left as it is for whoever takes it up again."""
    away = True

    async def asks(agent, state, context):
        if away:
            raise RedisConnectionError("gone")
        return {"synthesis_verdict": "BUY"}

    async def waits(agent, state, context):
        await asyncio.sleep(0 if not away else 3600)
        return {}

    both = [{"name": "asks", "role": "asks"}, {"name": "waits", "role": "waits"}]
    plugins = load(role("asks", asks), role("waits", waits))
    arena = panel({"name": "a", "pattern": "parallel", "agents": both})
    engine = ArenaEngine(make_context(plugins=plugins, arenas=[arena]))
    request = request_for()
    with pytest.raises(RedisConnectionError):
        await engine.run(request)
    away = False
    done = await engine.run(request)
    assert (done.error, done.state["synthesis_verdict"], done.state["abstentions"]) == (None, "BUY", {})

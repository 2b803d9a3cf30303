"""Time and room: what an agent, a phase and a run may take, and how many work at once."""

from __future__ import annotations

import asyncio

import pytest

from maf_core.arenas.engine import ArenaEngine
from maf_core.testing import wait_until

DECIDE = {"name": "decide", "agents": [{"name": "verdict", "role": "synthesis"}]}


def says(name: str, signal: str = "BULLISH") -> dict:
    return {"name": name, "role": "speaker", "options": {"signal": signal, "confidence": 0.8}}


def member(name: str, role: str = "custom") -> dict:
    return {"name": name, "role": role}


def phase(name: str, *agents: dict, pattern: str = "parallel", **more) -> dict:
    return {"name": name, "pattern": pattern, "agents": list(agents), **more}


async def _forever(agent, state, context):
    await asyncio.Event().wait()


async def test_what_has_finished_before_the_phases_time_is_over_counts(run_arena, panel, role, speaker):
    arena = panel(phase("look", says("quick"), member("slow"), timeout_s=0.5), DECIDE)
    done = await run_arena(arena, speaker, role("custom", _forever))
    assert done.state["synthesis_verdict"] == "BUY"
    assert done.meta["abstained"] == {"slow": "the phase was over"}


async def test_an_arena_limits_all_of_its_phases(run_arena, panel, role, speaker):
    phases = [phase("look", says("quick"), member("slow")), phase("again", member("too"), timeout_s=5), DECIDE]
    limits = {"phase_timeout_s": 0.5, "agent_timeout_s": 0.7}
    done = await run_arena(panel(*phases, limits=limits), speaker, role("custom", _forever))
    assert done.meta["abstained"] == {"slow": "the phase was over", "too": "no answer within 0.7 s"}


async def test_in_a_sequential_phase_those_who_come_too_late_abstain(run_arena, panel, role, speaker):
    agents = [says("quick"), member("slow"), says("late", "BEARISH")]
    arena = panel(phase("look", *agents, pattern="sequential", timeout_s=0.5), DECIDE)
    done = await run_arena(arena, speaker, role("custom", _forever))
    assert done.meta["abstained"] == {"slow": "the phase was over", "late": "the phase was over before its turn"}
    assert done.state["synthesis_verdict"] == "BUY"


async def test_the_shorter_of_two_limits_counts(run_arena, panel, role, speaker):
    arena = panel(phase("look", member("slow"), timeout_s=30), DECIDE, limits={"agent_timeout_s": 0.05})
    done = await run_arena(arena, speaker, role("custom", _forever))
    assert done.meta["abstained"] == {"slow": "no answer within 0.05 s"}


async def test_an_agent_that_does_not_let_itself_be_stopped_stops_nobody_else(run_arena, panel, role, speaker):
    released = asyncio.Event()

    async def stubborn(agent, state, context):
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue
        return {"signals": {agent.name: "too late"}}

    arena = panel(phase("look", member("stubborn"), says("quick")), DECIDE, limits={"agent_timeout_s": 0.5})
    done = await run_arena(arena, speaker, role("custom", stubborn))
    released.set()
    assert done.state["synthesis_verdict"] == "BUY"
    assert done.meta["abstained"] == {"stubborn": "no answer within 0.5 s"}
    assert done.state["signals"]["stubborn"] is None


async def test_what_an_agent_does_after_its_time_is_seen_by_nobody(run_arena, panel, role, speaker):
    kept = {"reports": {"slow": ["half"]}}

    async def cleans_up(agent, state, context):
        try:
            await asyncio.Event().wait()
        finally:
            state["target"]["ticker"] = "EVIL"
            kept["reports"]["slow"].append("a story")
        return kept

    arena = panel(phase("look", member("slow"), says("quick")), DECIDE, limits={"agent_timeout_s": 0.05})
    done = await run_arena(arena, speaker, role("custom", cleans_up))
    assert done.state["target"]["ticker"] == "AAPL"
    assert done.state["reports"] == {}


@pytest.fixture
def crowd():
    """A role whose agents wait to be released, and how many of them are at work."""

    class Crowd:
        def __init__(self) -> None:
            self.now, self.most, self.released = 0, 0, 0
            self.gate = asyncio.Semaphore(0)

        async def run(self, agent, state, context):
            self.now += 1
            self.most = max(self.most, self.now)
            await self.gate.acquire()
            self.now -= 1
            self.released += 1
            return {"signal": "HOLD", "order": {agent.name: 1}}

        async def release_one_by_one(self, count, at_once):
            """Each when as many as may are at work, or all that are left."""
            for left in range(count, 0, -1):
                full = (count - left, min(at_once, left))
                await wait_until(lambda full=full: (self.released, self.now) == full)
                self.gate.release()

    return Crowd()


async def test_no_more_agents_work_at_once_than_the_arena_allows(run_arena, panel, role, crowd):
    agents = [member(f"a{number}") for number in range(10)]
    arena = panel(phase("look", *agents), limits={"max_agents_at_once": 3})
    running = asyncio.create_task(run_arena(arena, role("custom", crowd.run)))
    await crowd.release_one_by_one(10, at_once=3)
    done = await running
    assert crowd.most == 3
    assert list(done.state["order"]) == [agent["name"] for agent in agents]


async def test_an_agents_time_begins_when_it_may_work(run_arena, panel, role):
    async def naps(agent, state, context):
        await asyncio.sleep(0.3)
        return {"signal": "HOLD"}

    agents = [member(f"a{number}") for number in range(4)]
    limits = {"max_agents_at_once": 1, "agent_timeout_s": 1.0}
    done = await run_arena(panel(phase("look", *agents), limits=limits), role("custom", naps))
    assert done.meta["abstained"] == {}


async def test_no_more_runs_of_an_arena_at_once_than_it_allows(make_context, load, panel, role, request_for, crowd):
    arena = panel(phase("look", member("a")), limits={"max_runs_at_once": 2})
    engine = ArenaEngine(make_context(plugins=load(role("custom", crowd.run)), arenas=[arena]))
    runs = [asyncio.create_task(engine.run(request_for())) for _ in range(5)]
    await crowd.release_one_by_one(5, at_once=2)
    done = await asyncio.gather(*runs)
    assert crowd.most == 2
    assert [run.error for run in done] == [None] * 5


async def test_what_earlier_workers_spent_counts_for_the_runs_time(make_context, load, panel, role, request_for):
    spent = asyncio.Event()

    async def step(agent, state, context):
        if context.phase == "second" and not spent.is_set():
            spent.set()
            await asyncio.Event().wait()
        await asyncio.sleep(0.8)
        return {"signal": "HOLD"}

    arena = panel(phase("first", member("a")), phase("second", member("b")), limits={"run_timeout_s": 1.5})
    context = make_context(plugins=load(role("custom", step)), arenas=[arena])
    request = request_for()
    dying = asyncio.create_task(ArenaEngine(context).run(request))
    await spent.wait()
    dying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dying
    done = await ArenaEngine(context).run(request)
    assert done.error == "the run took longer than 1.5 s"

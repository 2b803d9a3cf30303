"""What a run does with its panel: isolation, order, failures, limits."""

from __future__ import annotations

import asyncio
import copy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maf_core.arenas.state import State

DECIDE = {"name": "decide", "agents": [{"name": "verdict", "role": "synthesis"}]}
SHARES_A_SERVER = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def says(name: str, signal: str = "BULLISH", confidence: float = 0.5) -> dict:
    return {"name": name, "role": "speaker", "options": {"signal": signal, "confidence": confidence}}


def member(name: str, role: str = "custom", **more) -> dict:
    return {"name": name, "role": role, **more}


def phase(name: str, *agents: dict, pattern: str = "parallel") -> dict:
    return {"name": name, "pattern": pattern, "agents": list(agents)}


async def test_a_panel_reaches_a_verdict(run_arena, panel, speaker):
    arena = panel(phase("look", says("a", "BULLISH", 0.8), says("b", "BEARISH", 0.2)), DECIDE)
    run = await run_arena(arena, speaker)
    assert run.error is None
    assert run.state["synthesis_verdict"] == "BUY"
    assert run.state["synthesis_score"] == pytest.approx(0.3)
    assert [timing["phase"] for timing in run.state["phase_timings"]] == ["look", "decide"]
    assert len(run.correlation_id) == 32


async def test_a_run_knows_its_target_time_and_trigger(run_arena, panel, role, request_for):
    seen: list[State] = []

    async def look(agent, state, context):
        seen.append(state)
        return {"signal": "HOLD"}

    trigger = {"rule": "moved", "stream": "bars", "entry_id": "1-0"}
    await run_arena(panel(phase("look", member("a"))), role("custom", look), trigger=trigger)
    assert seen[0]["target"] == {"ticker": "AAPL", "trade_date": "2024-03-01"}
    assert seen[0]["as_of"] == "2024-03-01T21:00:00+00:00"
    assert seen[0]["trigger"] == trigger


@pytest.mark.parametrize("pattern", ["parallel", "sequential"])
async def test_what_an_agent_does_to_its_copy_is_seen_by_nobody(run_arena, panel, role, pattern):
    seen: list[State] = []

    async def vandal(agent, state, context):
        seen.append(copy.deepcopy(state))
        state["target"]["ticker"] = "EVIL"
        state["signals"]["ghost"] = {"agent": "ghost"}
        state["phase_timings"].append("nonsense")
        return {}

    arena = panel(phase("look", *(member(name) for name in "abc"), pattern=pattern), DECIDE)
    run = await run_arena(arena, role("custom", vandal))
    assert seen[0] == seen[1] == seen[2]
    assert run.state["target"]["ticker"] == "AAPL"
    assert run.state["signals"] == {}
    assert run.request.target["ticker"] == "AAPL"


async def test_a_patch_kept_by_its_agent_is_not_the_state(run_arena, panel, role):
    kept = {"reports": {"a": {"list": [1]}}}

    async def hoarder(agent, state, context):
        kept["reports"]["a"]["list"].append(2)
        return kept

    run = await run_arena(
        panel(phase("look", member("a")), phase("again", member("b")), DECIDE), role("custom", hoarder)
    )
    kept["reports"]["a"]["list"].clear()
    assert run.state["reports"]["a"]["list"] == [1, 2, 2]


async def test_a_sequential_phase_shows_each_agent_what_the_last_one_said(run_arena, panel, role):
    async def count(agent, state, context):
        return {"seen": {agent.name: sorted(state.get("seen", {}))}, "signal": "HOLD"}

    run = await run_arena(
        panel(phase("look", *(member(name) for name in "abc"), pattern="sequential")), role("custom", count)
    )
    assert run.state["seen"] == {"a": [], "b": ["a"], "c": ["a", "b"]}


@SHARES_A_SERVER
@given(order=st.permutations("abcd"))
async def test_the_result_does_not_depend_on_who_finishes_first(run_arena, panel, role, order):
    done = {name: asyncio.Event() for name in order}
    finished: list[str] = []

    async def in_turn(agent, state, context):
        before = order.index(agent.name) - 1
        if before >= 0:
            await done[order[before]].wait()
        finished.append(agent.name)
        done[agent.name].set()
        return {"last": agent.name, "votes": {agent.name: 1, "shared": agent.name}, "signal": "HOLD"}

    run = await run_arena(panel(phase("look", *(member(name) for name in "abcd"))), role("custom", in_turn))
    assert finished == list(order)
    assert run.state["last"] == "d"
    assert list(run.state["votes"].items()) == [("a", 1), ("shared", "d"), ("b", 1), ("c", 1), ("d", 1)]


async def _raises(agent, state, context):
    raise LookupError("the moon is full")


async def _says_nothing(agent, state, context):
    return None


async def _says_text(agent, state, context):
    return "BUY"


async def _not_json(agent, state, context):
    return {"reports": {agent.name: object()}}


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (_raises, "LookupError: the moon is full"),
        (_says_nothing, "NoneType"),
        (_says_text, "str"),
        (_not_json, "object"),
    ],
)
async def test_an_agent_that_fails_abstains_and_the_run_goes_on(run_arena, panel, role, speaker, run, words):
    arena = panel(phase("look", member("broken"), says("well", "BULLISH", 0.8)), DECIDE)
    done = await run_arena(arena, speaker, role("custom", run))
    assert done.error is None
    assert done.state["synthesis_verdict"] == "BUY"
    assert words in done.meta["abstained"]["broken"]
    assert done.state["synthesis_confidence"] == pytest.approx(0.5)


async def test_an_agent_that_takes_too_long_abstains(run_arena, panel, role, speaker):
    async def forever(agent, state, context):
        await asyncio.Event().wait()

    arena = panel(phase("look", member("slow"), says("quick")), DECIDE, limits={"agent_timeout_s": 0.05})
    done = await run_arena(arena, speaker, role("custom", forever))
    assert done.error is None
    assert done.meta["abstained"] == {"slow": "no answer within 0.05 s"}


async def test_a_run_that_takes_too_long_is_a_failed_hold(run_arena, panel, role, speaker):
    async def forever(agent, state, context):
        await asyncio.Event().wait()

    arena = panel(phase("look", says("quick")), phase("wait", member("slow")), DECIDE, limits={"run_timeout_s": 0.1})
    done = await run_arena(arena, speaker, role("custom", forever))
    assert done.error == "the run took longer than 0.1 s"
    assert (done.state["synthesis_verdict"], done.state["synthesis_confidence"]) == ("HOLD", 0.0)
    assert "longer than" in done.state["synthesis_reasoning"]
    assert done.meta["error"] == done.error


async def test_a_phase_may_name_the_next_one_for_one_hop(run_arena, panel, role):
    visited: list[str] = []

    async def hop(agent, state, context):
        visited.append(context.phase)
        return {"_next_phase": "c", "signal": "HOLD"} if context.phase == "a" else {}

    phases = [phase(name, member(f"in_{name}")) for name in "abcd"]
    done = await run_arena(panel(*phases), role("custom", hop))
    assert visited == ["a", "c", "d"]
    assert "_next_phase" not in done.state


@pytest.mark.parametrize("where", ["nowhere", 5, ["look"]])
async def test_an_unknown_next_phase_is_a_failed_hold(run_arena, panel, role, where):
    async def hop(agent, state, context):
        return {"_next_phase": where, "synthesis_verdict": "BUY"}

    done = await run_arena(panel(phase("look", member("a"))), role("custom", hop))
    assert f"there is no phase {str(where)!r}; this arena has look" in done.error
    assert done.state["synthesis_verdict"] == "HOLD"


async def test_a_run_that_goes_in_circles_ends(run_arena, panel, role):
    async def circle(agent, state, context):
        return {"_next_phase": "look", "rounds": {str(len(state.get("rounds", {}))): 1}}

    done = await run_arena(panel(phase("look", member("a")), limits={"max_phases": 5}), role("custom", circle))
    assert "limits.max_phases" in done.error
    assert len(done.state["rounds"]) == 5


async def test_a_run_without_a_verdict_has_failed_and_names_who_did(run_arena, panel, role):
    done = await run_arena(panel(phase("look", member("a"))), role("custom", _raises))
    assert done.error.startswith("no verdict was reached")
    assert "LookupError" in done.error
    assert done.state["synthesis_verdict"] == "HOLD"


async def test_a_panel_member_that_cannot_be_made_is_a_failed_hold(run_arena, panel, role):
    spec = role("custom", _raises)

    def broken(*_):
        raise RuntimeError("no licence")

    spec.factory.__init__ = broken
    done = await run_arena(panel(phase("look", member("a"))), spec)
    assert "no licence" in done.error
    assert done.state["synthesis_verdict"] == "HOLD"

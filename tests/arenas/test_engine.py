"""What a run does with its panel: isolation, order, failures, limits."""

from __future__ import annotations

import asyncio
import copy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic_core import to_json

from maf_core import SourceResult
from maf_core.arenas.state import State

DECIDE = {"name": "decide", "agents": [{"name": "verdict", "role": "synthesis"}]}
JSON = st.recursive(
    st.none() | st.integers() | st.text("xyz", max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
PATCHES = st.dictionaries(st.sampled_from(["signals", "reports", "x", "y"]), JSON, max_size=3)
SHARES_A_SERVER = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


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


def timeless(state: State) -> bytes:
    """The state as bytes, without what a stopwatch says."""
    kept = {key: value for key, value in state.items() if key not in ("phase_timings", "arena_total_seconds")}
    kept["source_metrics"] = [{**metric, "ms": 0} for metric in kept["source_metrics"]]
    return to_json(kept)


@SHARES_A_SERVER
@given(answering=st.permutations("abcd"), finishing=st.permutations("abcd"), data=st.data())
async def test_the_same_answers_give_the_same_bytes_in_whatever_order_they_come(
    run_arena, panel, role, source, answering, finishing, data
):
    patches = {name: data.draw(PATCHES) for name in "abcd"}

    async def run(answering: str, finishing: str) -> bytes:
        answered, finished = ({name: asyncio.Event() for name in "abcd"} for _ in "12")

        def feed(name: str):
            async def fetch(query):
                await until_turn(name, answering, answered)
                return SourceResult({"of": name}, query.as_of, (f"stale_{name}",), 7)

            return source(f"feed_{name}", fetch)

        async def step(agent, state, context):
            await context.fetch(agent.name)
            await until_turn(agent.name, finishing, finished)
            return {**patches[agent.name], "signal": "HOLD"}

        agents = [{"name": name, "role": "step", "sources": [name]} for name in "abcd"]
        sources = {name: {"source": f"feed_{name}"} for name in "dbca"}
        arena = panel(phase("look", *agents), sources=sources)
        return timeless((await run_arena(arena, role("step", step), *map(feed, "abcd"))).state)

    assert await run("".join(answering), "".join(finishing)) == await run("abcd", "abcd")


async def until_turn(name: str, order: str, done: dict[str, asyncio.Event]) -> None:
    before = order.index(name) - 1
    if before >= 0:
        await done[order[before]].wait()
    done[name].set()


async def _raises(agent, state, context):
    raise LookupError("the moon is full")


async def _is_cancelled(agent, state, context):
    waiting = asyncio.get_running_loop().create_future()
    waiting.cancel()
    await waiting


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
        (_is_cancelled, "it was cancelled"),
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

    arena = panel(phase("look", member("slow"), says("quick")), DECIDE, limits={"agent_timeout_s": 0.5})
    done = await run_arena(arena, speaker, role("custom", forever))
    assert done.error is None
    assert done.meta["abstained"] == {"slow": "no answer within 0.5 s"}


async def test_a_run_that_takes_too_long_is_a_failed_hold(run_arena, panel, role, speaker):
    async def forever(agent, state, context):
        await asyncio.Event().wait()

    arena = panel(phase("look", says("quick")), phase("wait", member("slow")), DECIDE, limits={"run_timeout_s": 0.1})
    done = await run_arena(arena, speaker, role("custom", forever))
    assert done.error == "the run took longer than 0.1 s"
    assert (done.state["synthesis_verdict"], done.state["synthesis_confidence"]) == ("HOLD", 0.0)
    assert "longer than" in done.state["synthesis_reasoning"]
    assert done.meta["error"] == done.error


@pytest.mark.parametrize("where", ["nowhere", 5, ["look"]])
async def test_an_unknown_next_phase_is_a_failed_hold(run_arena, panel, role, where):
    async def hop(agent, state, context):
        return {"_next_phase": where, "synthesis_verdict": "BUY"}

    done = await run_arena(panel(phase("look", member("a"))), role("custom", hop))
    assert f"there is no phase {str(where)!r}; this arena has look" in done.error
    assert done.state["synthesis_verdict"] == "HOLD"


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


async def test_a_panel_member_that_cannot_be_made_does_not_sink_the_others(run_arena, panel, role, speaker):
    spec = role("custom", _raises)

    def broken(*_):
        raise RuntimeError("no licence")

    spec.factory.__init__ = broken
    done = await run_arena(panel(phase("look", member("a"), says("well", "BULLISH", 0.8)), DECIDE), spec, speaker)
    assert (done.error, done.state["synthesis_verdict"]) == (None, "BUY")
    assert done.meta["abstained"] == {"a": "RuntimeError: no licence"}


async def test_an_agent_is_made_once_for_a_run(run_arena, panel, role):
    seen: list[object] = []

    async def again(agent, state, context):
        seen.append(agent)
        return {"_next_phase": "look"} if len(seen) < 3 else {"signal": "HOLD"}

    for _ in range(2):
        await run_arena(panel(phase("look", member("a"))), role("custom", again))
    assert seen[0] is seen[1] is seen[2]
    assert seen[3] is not seen[0]


async def test_who_failed_in_an_earlier_round_no_longer_abstains(run_arena, panel, role):
    rounds = []

    async def second_time_lucky(agent, state, context):
        rounds.append(1)
        if len(rounds) == 1:
            raise LookupError("not yet")
        return {"signal": "HOLD"}

    async def back(agent, state, context):
        return {"_next_phase": "look"} if len(rounds) == 1 else {}

    phases = [phase("look", member("a")), phase("again", member("b", "back"))]
    done = await run_arena(panel(*phases), role("custom", second_time_lucky), role("back", back))
    assert (len(rounds), done.meta["abstained"], done.error) == (2, {}, None)


@pytest.mark.parametrize("key", ["phase_timings", "source_metrics", "gaps", "inputs", "arena_total_seconds"])
async def test_what_the_engine_says_of_a_run_no_agent_can_change(run_arena, panel, role, key):
    async def liar(agent, state, context):
        return {key: "nonsense", "signal": "HOLD"}

    done = await run_arena(panel(phase("look", member("a")), phase("again", member("b"))), role("custom", liar))
    assert done.error is None
    assert done.state[key] != "nonsense"
    assert done.meta["gaps"] == []


async def test_what_agents_leave_in_the_wrong_place_does_not_lose_the_decision(run_arena, panel, role):
    async def untidy(agent, state, context):
        return {"abstentions": "none", "failures": 3, "iteration": "x", "synthesis_verdict": "BUY"}

    done = await run_arena(panel(phase("look", member("a"))), role("custom", untidy))
    assert (done.error, done.meta["abstained"]) == (None, {})

"""Which phase follows which: as the arena says, unless an agent names the next one, and never without end."""

from __future__ import annotations

import pytest

from maf_core.arenas.config import ArenaConfig
from maf_core.errors import ConfigError


def phase(name: str, **more) -> dict:
    return {"name": name, "agents": [{"name": f"in_{name}", "role": "walker"}], **more}


@pytest.fixture
def walk(run_arena, panel, role):
    """Run these phases; gives which were visited, and the run. `hops`: what an agent names as the next phase."""

    async def run(*phases: dict, hops: dict[str, list[str]] | None = None, **more):
        visited: list[str] = []
        left = {name: list(targets) for name, targets in (hops or {}).items()}

        async def step(agent, state, context):
            visited.append(context.phase)
            hop = {"_next_phase": left[context.phase].pop(0)} if left.get(context.phase) else {}
            return {**hop, **more.get("patch", {"signal": "HOLD"})}

        limits = {key: value for key, value in more.items() if key != "patch"}
        done = await run_arena(panel(*phases, **limits), role("walker", step))
        return visited, done

    return run


async def test_phases_follow_each_other_as_they_stand(walk):
    visited, done = await walk(phase("a"), phase("b"), phase("c"))
    assert (visited, done.error) == (["a", "b", "c"], None)


async def test_a_phase_may_name_the_one_that_follows(walk):
    visited, _ = await walk(phase("a", next="c"), phase("b", next="end"), phase("c", next="b"), phase("d"))
    assert visited == ["a", "c", "b"]


async def test_end_stops_the_run(walk):
    visited, done = await walk(phase("a", next="end"), phase("b"))
    assert (visited, done.error, done.stopped) == (["a"], None, None)


async def test_an_agent_names_the_next_phase_for_one_hop(walk):
    visited, done = await walk(phase("a"), phase("b"), phase("c"), phase("d"), hops={"a": ["c"]})
    assert visited == ["a", "c", "d"]
    assert "_next_phase" not in done.state


async def test_a_hop_goes_before_what_is_configured(walk):
    visited, _ = await walk(phase("a", next="c"), phase("b", next="end"), phase("c"), hops={"a": ["b"]})
    assert visited == ["a", "b"]


async def test_an_agent_may_end_the_run(walk):
    visited, done = await walk(phase("a"), phase("b"), hops={"a": ["end"]})
    assert (visited, done.error) == (["a"], None)


async def test_an_agent_may_go_back(walk):
    visited, _ = await walk(phase("a"), phase("b"), phase("c"), hops={"b": ["a", "b"]})
    assert visited == ["a", "b", "a", "b", "b", "c"]


async def test_at_the_ceiling_the_verdict_that_there_is_goes_out_and_says_so(walk):
    circle = {"a": ["b"] * 9, "b": ["a"] * 9}
    visited, done = await walk(phase("a"), phase("b"), hops=circle, limits={"max_phases": 5})
    assert len(visited) == 5
    assert (done.error, done.status, done.state["signal"]) == (None, "completed", "HOLD")
    assert done.meta["stopped"] == "limits.max_phases: the run was stopped after 5 phases"


async def test_at_the_ceiling_without_a_verdict_the_run_has_failed(walk):
    visited, done = await walk(phase("a"), hops={"a": ["a"] * 9}, patch={}, limits={"max_phases": 3})
    assert len(visited) == 3
    assert done.error == "limits.max_phases: the run was stopped after 3 phases, without a verdict"
    assert (done.status, done.state["synthesis_verdict"]) == ("failed", "HOLD")
    assert "stopped" not in done.meta


async def test_the_last_phase_before_the_ceiling_is_no_stop(walk):
    _, done = await walk(phase("a"), phase("b"), limits={"max_phases": 2})
    assert (done.error, done.stopped) == (None, None)


@pytest.mark.parametrize(
    ("phases", "words"),
    [
        ([phase("a", next="nowhere"), phase("b")], ["'nowhere'", "a, b, end"]),
        ([phase("a", next="a")], ["a → a", "next: end"]),
        ([phase("a"), phase("b"), phase("c", next="b")], ["b → c → b", "next: end"]),
        ([phase("end")], ["'end'"]),
    ],
)
def test_ways_that_lead_nowhere_are_refused(panel, phases, words):
    with pytest.raises(ValueError, match="phase") as caught:
        panel(*phases)
    assert [word for word in words if word not in str(caught.value)] == []


def test_what_belongs_to_a_debate_is_refused_elsewhere():
    with pytest.raises(ValueError, match="judge and max_rounds belong to the pattern debate"):
        ArenaConfig.model_validate({"name": "panel", "phases": [phase("a", max_rounds=2)]})


def test_the_mistake_is_one_of_the_configuration(tmp_path):
    from maf_core.arenas.config import load_arena

    (tmp_path / "panel.yaml").write_text("name: p\nphases: [{name: a, next: b, agents: [{name: x, role: y}]}]")
    with pytest.raises(ConfigError, match="names 'b' as its next"):
        load_arena(tmp_path / "panel.yaml")

"""What agents get from sources: one call, gaps, failures, and never the future."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from maf_core import Abstention, AgentSignal, AgentSpec, SourceResult, SpecialistAgent

AS_OF = datetime(2024, 3, 1, 21, tzinfo=UTC)
DECIDE = {"name": "decide", "agents": [{"name": "verdict", "role": "synthesis"}]}
BARS = {"bars": {"source": "prices", "required": True}}


class Trusting(SpecialistAgent):
    """Is bullish when it has data."""

    domain = "test"

    def routine(self, data: Mapping[str, SourceResult], state):
        if any(answer.data is None for answer in data.values()):
            return Abstention(reason="no data")
        return AgentSignal(signal="BULLISH", confidence=0.8, summary="up", narrative="a long story")


def look(*names: str, sources: list[str] = ("bars",), pattern: str = "parallel") -> dict:
    agents = [{"name": name, "role": "trusting", "sources": list(sources)} for name in names or ("a",)]
    return {"name": "look", "pattern": pattern, "agents": agents}


@pytest.fixture
def run_with(run_arena, panel, source):
    """Run a panel of trusting specialists whose source `prices` answers so."""

    async def run(fetch, *phases, **more):
        arena = panel(*(phases or (look(), DECIDE)), **{"sources": BARS, **more})
        return await run_arena(arena, AgentSpec(name="trusting", factory=Trusting), source("prices", fetch))

    return run


def answers(data=(1,), as_of=AS_OF, gaps=(), asked=None):
    async def fetch(query):
        if asked is not None:
            asked.append(query)
        return SourceResult(data, as_of, tuple(gaps), 100)

    return fetch


async def test_a_source_is_asked_about_the_target_as_of_the_run(run_with):
    asked = []
    done = await run_with(answers(asked=asked))
    assert (asked[0].target["ticker"], asked[0].as_of) == ("AAPL", AS_OF)
    assert done.state["synthesis_verdict"] == "BUY"
    assert done.meta["inputs"] == {"bars": AS_OF.isoformat()}


async def test_what_a_specialist_says_is_in_the_state_and_its_story_apart(run_with):
    state = (await run_with(answers())).state
    assert state["signals"]["a"] == {
        "agent": "a", "domain": "test", "signal": "BULLISH", "confidence": 0.8, "summary": "up", "key_factors": [],
    }  # fmt: skip
    assert state["reports"]["a"] == "a long story"


async def test_agents_that_ask_the_same_share_one_call(run_with):
    asked = []
    done = await run_with(answers(asked=asked), look("a", "b", "c"), DECIDE)
    assert len(asked) == 1
    assert [(m["source"], m["success"], m["result_bytes"]) for m in done.state["source_metrics"]] == [
        ("prices", True, 100)
    ]


@pytest.mark.parametrize("later", [timedelta(microseconds=1), timedelta(days=1)])
async def test_an_answer_from_the_future_is_refused(run_with, later):
    done = await run_with(answers(as_of=AS_OF + later))
    assert done.state["synthesis_verdict"] == "HOLD"
    assert done.meta["gaps"] == ["no_prices"]
    assert done.meta["inputs"] == {"bars": None}
    assert [metric["success"] for metric in done.state["source_metrics"]] == [False]


@pytest.mark.parametrize("as_of", [AS_OF, AS_OF - timedelta(days=400), None])
async def test_an_answer_from_the_past_is_taken(run_with, as_of):
    assert (await run_with(answers(as_of=as_of))).state["synthesis_verdict"] == "BUY"


async def _raises(query):
    raise ConnectionError("nobody there")


async def _gives_nothing(query):
    return None


@pytest.mark.parametrize("fetch", [_raises, _gives_nothing])
async def test_a_source_that_fails_is_missing_data_and_counted(run_with, fetch):
    done = await run_with(fetch)
    assert done.error is None
    assert done.meta["required_gaps"] == ["no_prices"]
    assert done.meta["abstained"] == {"a": "no data"}
    assert [metric["success"] for metric in done.state["source_metrics"]] == [False]


async def test_gaps_of_optional_sources_are_told_apart(run_with):
    sources = {"bars": {"source": "prices", "required": True}, "more": {"source": "prices", "config": {"x": 1}}}
    done = await run_with(answers(gaps=["stale_prices"]), look(sources=["more"]), DECIDE, sources=sources)
    assert (done.meta["gaps"], done.meta["required_gaps"]) == (["stale_prices"], [])


async def test_a_source_that_never_answers_takes_no_more_than_the_agents_time(run_with):
    cancelled = asyncio.Event()

    async def hangs(query):
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    done = await run_with(hangs, limits={"agent_timeout_s": 0.05})
    assert done.meta["abstained"] == {"a": "no answer within 0.05 s"}
    async with asyncio.timeout(10):
        await cancelled.wait()


def replan(**options) -> dict:
    return {
        "name": "again",
        "agents": [{"name": "planner", "role": "replan", "options": {"back_to": "look", **options}}],
    }


@pytest.mark.parametrize(("most", "calls"), [(0, 1), (1, 2), (3, 4)])
async def test_replan_asks_again_at_most_so_often(run_with, most, calls):
    asked = []
    done = await run_with(answers(None, None, ["no_prices"], asked), look(), DECIDE, replan(), max_iterations=most)
    assert len(asked) == calls
    assert done.meta["iterations"] == most
    assert done.meta["required_gaps"] == ["no_prices"]
    assert done.error is None


async def test_replan_stops_when_the_gap_is_gone(run_with):
    asked = []

    async def second_time_lucky(query):
        asked.append(query)
        return SourceResult([1], AS_OF) if len(asked) > 1 else SourceResult(None, gaps=("no_prices",))

    done = await run_with(second_time_lucky, look(), DECIDE, replan(), max_iterations=5)
    assert len(asked) == 2
    assert done.state["synthesis_verdict"] == "BUY"
    assert (done.meta["iterations"], done.meta["gaps"], done.meta["abstained"]) == (1, [], {})


@pytest.mark.parametrize(
    ("required", "gaps", "options"),
    [
        (False, ["stale_prices"], {}),
        (True, [], {"min_confidence": 1.0}),
        (True, ["stale_prices"], {"min_confidence": 0.3}),
    ],
)
async def test_replan_leaves_alone_what_another_look_would_not_cure(run_with, required, gaps, options):
    asked = []
    sources = {"bars": {"source": "prices", "required": required}}
    await run_with(
        answers(gaps=gaps, asked=asked), look(), DECIDE, replan(**options), max_iterations=3, sources=sources
    )
    assert len(asked) == 1

"""What a run recalls before it begins, and what is remembered of it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from maf_core import MemoryBackend, MemoryBackendSpec, Recalled
from maf_core.arenas.remembering import memory_of, recalled, remember
from maf_core.arenas.run import FinishedRun
from maf_core.checking import check_arena
from maf_core.errors import ConfigError
from maf_core.streams import codec
from maf_core.streams.names import EVENTS
from maf_core.streams.raw import entries

STATE = {
    "target": {"ticker": "AAPL", "trade_date": "2024-03-01"},
    "trigger": {"rule": "moved"},
    "signals": {"chart": {"agent": "chart", "signal": "BULLISH", "confidence": 0.8, "summary": "up"}},
    "synthesis_verdict": "BUY",
    "synthesis_confidence": 0.7,
    "synthesis_reasoning": "BUY\nbecause of the chart",
}


class Broken(MemoryBackend):
    """Does whatever a test wants instead."""

    def __init__(self, does):
        self.remember = self.outcome = self.recall = does

    remember = outcome = recall = None


def broken(does) -> MemoryBackendSpec:
    return MemoryBackendSpec(name="broken", factory=lambda context: Broken(does))


async def raises(*_):
    raise ValueError("no such index")


async def hangs(*_):
    await asyncio.Event().wait()


async def is_away(*_):
    raise RedisConnectionError("gone")


@pytest.fixture
def finished(request_for):
    """A finished run of the arena `panel`."""

    def make(context, error=None, **more) -> FinishedRun:
        state = STATE | more.pop("state", {})
        return FinishedRun(context.arenas["panel"], request_for(**more), "0" * 32, state, 0.1, error)

    return make


def test_a_run_becomes_a_memory(remembering, finished):
    memory = memory_of(finished(remembering(), command_id="c"))
    assert (memory.arena_id, memory.arena, memory.verdict, memory.confidence) == ("panel-c", "panel", "BUY", 0.7)
    assert memory.situation == "target: ticker AAPL\ntrigger: moved\nchart BULLISH strong: up"
    assert memory.reasoning == "BUY because of the chart"
    assert (memory.outcome, memory.untrusted) == (None, False)


@pytest.mark.parametrize(
    ("state", "confidence"),
    [({"synthesis_confidence": value}, kept) for value, kept in ((7, 1.0), (-1, 0.0), (None, 0.0), ("high", 0.0))],
)
def test_a_confidence_that_makes_no_sense_loses_no_memory(remembering, finished, state, confidence):
    assert memory_of(finished(remembering(), state=state)).confidence == confidence


def test_a_verdict_may_stand_under_signal(remembering, finished):
    state = {"synthesis_verdict": None, "signal": "SELL", "synthesis_reasoning": None}
    memory = memory_of(finished(remembering(), state=state))
    assert (memory.verdict, memory.reasoning) == ("SELL", "")


@pytest.mark.parametrize(
    "state", [{"signals": {"news": {"signal": "BULLISH", "untrusted": True}}}, {"memories": [{"untrusted": True}]}]
)
def test_what_rests_on_text_of_others_stays_marked(remembering, finished, state):
    assert memory_of(finished(remembering(), state=state)).untrusted


async def test_a_later_run_recalls_it(remembering, finished, request_for):
    context = remembering()
    run = finished(context, command_id="c")
    await remember(context, run)
    later = request_for(as_of=run.request.as_of + timedelta(days=1))
    (found,) = await recalled(context, run.arena, later)
    assert found["arena_id"] == "panel-c"
    assert found["score"] > 0
    assert await recalled(context, run.arena, run.request) == []


async def test_it_recalls_no_more_than_the_arena_says(remembering, finished, request_for):
    context = remembering()
    for _ in range(5):
        await remember(context, run := finished(context))
    later = request_for(as_of=run.request.as_of + timedelta(days=1))
    assert len(await recalled(context, run.arena, later)) == 3


async def test_an_arena_that_recalls_nothing_still_remembers(redis, remembering, finished, request_for):
    context = remembering(memory={"backend": "bm25", "recall": 0})
    await remember(context, run := finished(context))
    assert await redis.dbsize() > 0
    later = request_for(as_of=run.request.as_of + timedelta(days=1))
    assert await recalled(context, run.arena, later) == []


async def test_an_arena_without_a_memory_asks_no_backend(remembering, finished, request_for):
    context = remembering(backend=broken(raises), memory=None)
    await remember(context, run := finished(context))
    assert await recalled(context, run.arena, request_for()) == []


async def test_a_failed_run_decided_nothing(redis, remembering, finished):
    context = remembering()
    await remember(context, finished(context, error="the panel broke"))
    assert await redis.dbsize() == 0


@pytest.mark.parametrize("does", [raises, hangs])
async def test_a_backend_that_fails_or_hangs_holds_nothing_up(redis, remembering, finished, request_for, does):
    context = remembering(backend=broken(does), limits={"agent_timeout_s": 0.05})
    bus = asyncio.create_task(context.events.run())
    await remember(context, run := finished(context))
    assert await recalled(context, run.arena, request_for(command_id="c")) == []
    context.events.close()
    await bus
    (event,) = [codec.decode(fields) for _, fields in entries(await redis.xrange(EVENTS))]
    assert (event["kind"], event["arena_id"], event["payload"]["source"]) == ("source.error", "panel-c", "broken")


async def test_a_server_that_is_away_is_no_empty_memory(remembering, finished, request_for):
    context = remembering(backend=broken(is_away))
    run = finished(context)
    for attempt in (remember(context, run), recalled(context, run.arena, run.request)):
        with pytest.raises(RedisConnectionError):
            await attempt


@pytest.mark.parametrize(
    "changes",
    [{"as_of": "2024-03-01T21:00:00Z"}, {"outcome": {"known_at": "2024-03-02", "pnl": 1}}, {"arena": "other"}],
    ids=["decided-now", "outcome-of-tomorrow", "another-arena"],
)
async def test_a_backend_that_looks_ahead_or_aside_is_not_believed(remembering, request_for, memory, changes):
    async def answers(_):
        return [Recalled(memory(), 2.0), Recalled(memory(**changes), 1.0)]

    context = remembering(backend=broken(answers))
    assert await recalled(context, context.arenas["panel"], request_for()) == []


async def test_the_rule_that_set_the_run_off_is_part_of_the_question(remembering, finished, request_for):
    context = remembering()
    for rule in ("moved", "halted", "split"):
        await remember(context, run := finished(context, command_id=rule, state={"trigger": {"rule": rule}}))
    later = request_for(as_of=run.request.as_of + timedelta(days=1), trigger={"rule": "halted"})
    assert (await recalled(context, run.arena, later))[0]["arena_id"] == "panel-halted"


def test_an_unknown_backend_is_a_sentence_that_names_those_there_are(remembering):
    context = remembering()
    arena = context.arenas["panel"]
    wrong = arena.model_copy(update={"memory": replace_backend(arena.memory, "bm52")})
    with pytest.raises(ConfigError) as caught:
        check_arena(context.plugins, wrong)
    assert str(caught.value) == ("arena 'panel': There is no memory backend 'bm52'. Did you mean 'bm25'? Known: bm25.")
    check_arena(context.plugins, arena)


def replace_backend(memory, name):
    return memory.model_copy(update={"backend": name})

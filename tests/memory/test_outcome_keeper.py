"""The worker that brings outcomes to the memories of their decisions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from maf_core import MemoryQuery, publish
from maf_core.memory.backends import backend_of
from maf_core.plane.remembering import OutcomeKeeper
from maf_core.streams import codec
from maf_core.streams.names import DEAD, OUTCOMES
from maf_core.streams.quiet import until_quiet
from maf_core.streams.raw import entries
from maf_core.testing import WorkerConformance, running

CLOSE = {"kind": "close", "arena": "panel", "arena_id": "panel-1", "ticker": "AAPL", "pnl": 20.0, "return": 0.02}
LATER = datetime(2031, 1, 1, tzinfo=UTC)


class TestItKeepsTheRules(WorkerConformance):
    """With an arena that has a memory; without one it reads nothing, which keeps them all."""

    name = "memory"

    @pytest.fixture
    def context(self, remembering):
        return remembering()


@pytest.fixture
def outcomes_of(brisk):
    """Let the worker read what is on the stream; gives the outcomes of the remembered runs."""

    async def read(context, *memories):
        backend = backend_of(context, "bm25")
        for memory in memories:
            await backend.remember(memory)
        async with running(brisk(OutcomeKeeper(context))):
            await until_quiet(context.redis)
        found = await backend.recall(MemoryQuery("panel", {}, "", LATER, 100))
        return {one.memory.arena_id: one.memory.outcome for one in found}

    return read


async def test_a_close_comes_to_the_memory_of_the_run_that_opened(redis, remembering, outcomes_of, memory):
    await publish(redis, OUTCOMES, CLOSE)
    found = await outcomes_of(remembering(), memory(), memory(arena_id="panel-2"))
    assert (found["panel-1"].return_, found["panel-1"].pnl, found["panel-2"]) == (0.02, 20.0, None)


async def test_what_came_before_the_first_start_is_not_missed(redis, remembering, outcomes_of, memory):
    for number in range(100):
        await publish(redis, OUTCOMES, CLOSE | {"arena_id": f"panel-{number}"})
    assert (await outcomes_of(remembering(), memory(arena_id="panel-7")))["panel-7"] is not None


async def test_fills_and_dropped_orders_are_no_outcomes(redis, remembering, outcomes_of, memory):
    await publish(redis, OUTCOMES, {"kind": "fill", "arena_id": "panel-1", "price": 10.0})
    await publish(redis, OUTCOMES, CLOSE | {"kind": "dropped", "reason": "already long"})
    assert await outcomes_of(remembering(), memory()) == {"panel-1": None}
    assert await redis.exists(DEAD) == 0


async def test_one_delivered_twice_changes_nothing(redis, remembering, outcomes_of, memory):
    await publish(redis, OUTCOMES, CLOSE)
    first = await outcomes_of(remembering(), memory())
    await redis.xgroup_setid(OUTCOMES, "maf:memory", "0")
    await publish(redis, OUTCOMES, CLOSE | {"pnl": -99.0})
    assert await outcomes_of(remembering(), memory()) == first


async def test_outcomes_of_other_arenas_are_nothing_to_it(redis, remembering, outcomes_of, memory):
    await publish(redis, OUTCOMES, CLOSE | {"arena": "other", "arena_id": "other-1"})
    assert await outcomes_of(remembering(), memory()) == {"panel-1": None}
    assert await redis.exists(DEAD) == 0


async def test_during_a_replay_it_became_known_at_the_replays_time(redis, remembering, outcomes_of, memory, clock):
    now = await clock.move(days=3)
    await publish(redis, OUTCOMES, CLOSE | {"published_at": datetime.now(UTC).isoformat()})
    found = await outcomes_of(remembering(), memory())
    assert found["panel-1"].known_at == now == memory().as_of + timedelta(days=3)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"arena_id": None}, "arena_id is missing"),
        ({"arena_id": 7}, "arena_id is missing"),
        ({"pnl": "much"}, "the outcome is not valid: pnl: "),
        ({"closed_at": "soon"}, "'soon' is no timestamp"),
    ],
)
async def test_what_cannot_be_read_is_put_aside_with_the_reason(redis, remembering, outcomes_of, memory, wrong, reason):
    await publish(redis, OUTCOMES, CLOSE | wrong)
    await publish(redis, OUTCOMES, CLOSE)
    assert (await outcomes_of(remembering(), memory()))["panel-1"] is not None
    (letter,) = [codec.decode(fields) for _, fields in entries(await redis.xrange(DEAD))]
    assert reason in letter["reason"]


async def test_without_an_arena_that_remembers_it_joins_no_group_and_asks_nothing(redis, remembering, brisk):
    context = remembering(memory=None)
    await publish(redis, OUTCOMES, CLOSE)
    worker = brisk(OutcomeKeeper(context))
    async with running(worker):
        await until_quiet(redis)
    assert worker.consumer.streams == []
    assert await redis.xinfo_groups(OUTCOMES) == []


async def test_arenas_that_share_a_backend_share_its_worker(redis, remembering, outcomes_of, memory, panel):
    context = remembering()
    second = context.arenas["panel"].model_copy(update={"name": "second"})
    context.arenas["second"] = second
    await publish(redis, OUTCOMES, CLOSE)
    assert (await outcomes_of(context, memory()))["panel-1"].pnl == 20.0

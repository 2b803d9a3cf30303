"""Entries of a schema version that this one does not know: put aside with the version, and what else comes goes on."""

from __future__ import annotations

import pytest

from maf_core import publish
from maf_core.outbox.approvals import ApprovalClerk
from maf_core.outbox.execution import ActionConsumer
from maf_core.outbox.positions import PositionKeeper
from maf_core.plane.remembering import OutcomeKeeper
from maf_core.streams import codec
from maf_core.streams.names import ACTIONS, APPROVALS, DEAD, EXECUTIONS, OUTCOMES
from maf_core.streams.quiet import until_quiet
from maf_core.streams.raw import entries
from maf_core.testing import running


async def reasons(redis) -> list[str]:
    return [codec.decode(fields)["reason"] for _, fields in entries(await redis.xrange(DEAD))]


@pytest.mark.parametrize("version", ["2", 2, "1.1", None, {"major": 2}])
async def test_an_action_a_decision_and_an_outcome(redis, desk, action, brisk, version):
    office = desk()
    semi, auto = action(mode="semi"), action(target={"ticker": "IBM"})
    await publish(redis, ACTIONS, {"schema_version": version, "verdict": {"side": "BUY"}})
    for each in (semi, auto):
        await publish(redis, ACTIONS, each.model_dump(mode="json"))
    async with running(brisk(ActionConsumer(office.context))):
        await until_quiet(redis)
    await publish(redis, APPROVALS, {"schema_version": version, "actions": [semi.arena_id], "said": "approve"})
    await publish(redis, APPROVALS, {"schema_version": "1", "action_id": semi.arena_id, "said": "reject", "who": "me"})
    await publish(redis, OUTCOMES, {"schema_version": version, "arena_id": auto.arena_id, "kind": "close"})
    await publish(redis, OUTCOMES, {"schema_version": 1, "arena_id": auto.arena_id, "kind": "close"})
    async with running(brisk(ApprovalClerk(office.context)), brisk(PositionKeeper(office.context))):
        await until_quiet(redis)
    what = ("the action", "the decision", "the outcome")
    assert sorted(await reasons(redis)) == [
        f"{each} has schema version {str(version)!r}; this version of maf reads '1'" for each in what
    ]
    assert [execution.status for execution in await office.executions()] == [
        "pending_approval",
        "approved",
        "rejected",
    ]
    assert await redis.xlen(EXECUTIONS) == 3
    assert await office.open() == {}


async def test_an_outcome_for_memories(redis, make_context, load, panel, brisk):
    keeper = brisk(OutcomeKeeper(make_context(plugins=load())))
    keeper.consumer.streams = [OUTCOMES]  # as with an arena that remembers
    await keeper.prepare()
    await publish(redis, OUTCOMES, {"schema_version": "2", "arena_id": {"run": 1}})
    await publish(redis, OUTCOMES, {"schema_version": "1", "arena_id": "panel-1", "pnl": 5})
    async with running(keeper):
        await until_quiet(redis)
    assert await reasons(redis) == ["the outcome has schema version '2'; this version of maf reads '1'"]

"""Actions that wait for a person: kept, approved, rejected, expired, each with exactly one final execution."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from maf_core import publish
from maf_core.control.inbox import ControlInbox
from maf_core.errors import ActionError
from maf_core.outbox.approvals import ApprovalClerk, Approvals, Decision, ask
from maf_core.outbox.pending import DEADLINES, PENDING, find, pending
from maf_core.outbox.trading import set_trading
from maf_core.plane.commands import Command, send
from maf_core.streams import codec
from maf_core.streams.names import APPROVALS, CONTROL_OUT, DEAD, EXECUTIONS
from maf_core.streams.quiet import until_quiet
from maf_core.streams.raw import entries
from maf_core.testing import running, wait_until


@pytest.fixture
def semi(action):
    """An action that waits for a person."""

    def make(**more):
        return action(mode="semi", **more)

    return make


async def statuses(office) -> list[str]:
    return [execution.status for execution in await office.executions()]


async def refusal(office, decision: Decision) -> str:
    with pytest.raises(ActionError) as refused:
        await Approvals(office.context).decide(decision)
    return str(refused.value)


async def test_an_action_waits_and_everybody_is_told_once(redis, desk, clock, semi):
    office = desk(approval_ttl_s=60)
    first, second = semi(), semi(target={"ticker": "IBM"})
    await office.submit(first)
    await clock.move(seconds=1)
    await office.submit(second, first)
    assert await statuses(office) == ["pending_approval"] * 2
    assert (await office.executions())[0].expires_at == clock.now + timedelta(seconds=59)
    assert [waits.action.arena_id for waits in await pending(redis)] == [first.arena_id, second.arena_id]
    assert await office.open() == {}


async def test_an_action_that_waits_is_not_judged_again_when_it_is_delivered_again(redis, desk, semi):
    office = desk()
    one = semi()
    await office.submit(one)
    await set_trading(redis, "HALTED", "anna", "fire")
    await office.submit(one)
    assert await statuses(office) == ["pending_approval"]
    await set_trading(redis, "ACTIVE", "anna", "fire is out")
    await office.decide(one.arena_id, "approve")
    assert await statuses(office) == ["pending_approval", "approved"]


async def test_an_approved_action_goes_out_under_the_persons_name(desk, semi, answered):
    office = desk()
    one = semi()
    await office.submit(one)
    await office.decide(one.arena_id, "approve", who="anna", why="earnings are out")
    final = (await office.executions())[-1]
    assert (final.status, final.approved_by, final.engine, final.expires_at) == ("approved", "anna", "paper", None)
    assert answered(final, "mode") == ("passed", "approved by anna: earnings are out")
    assert await office.open() == {one.arena_id: 0.1}
    assert await find(office.redis, one.arena_id) is None


async def test_a_rejected_action_never_goes_out(redis, desk, semi, answered):
    office = desk()
    one = semi()
    await office.submit(one)
    await office.decide(one.arena_id, "reject", who="ben", why="too large")
    final = (await office.executions())[-1]
    assert (final.status, final.approved_by, final.exposure) == ("rejected", "", 0.0)
    assert answered(final, "approval") == ("failed", "rejected by ben: too large")
    assert answered(final, "mode")[0] == "needs_approval"
    assert await pending(redis) == []
    await office.submit(one)
    assert await statuses(office) == ["pending_approval", "rejected"]


@pytest.mark.parametrize("waits_for_worker", [True, False])
async def test_nobody_decides_in_time(redis, desk, clock, semi, answered, waits_for_worker):
    office = desk(approval_ttl_s=60)
    one = semi()
    await office.submit(one)
    await clock.move(seconds=59)
    await office.expire()
    assert await statuses(office) == ["pending_approval"]
    await clock.move(seconds=1)
    if waits_for_worker:
        await office.expire()
    else:
        await office.decide(one.arena_id, "approve")
    final = (await office.executions())[-1]
    assert final.status == "rejected"
    assert answered(final, "approval")[1].startswith("expired: nobody approved it before ")
    await asyncio.gather(office.expire(), desk().expire(), office.decide(one.arena_id, "approve"))
    assert await statuses(office) == ["pending_approval", "rejected"]
    assert await redis.exists(PENDING, DEADLINES) == 0


async def test_the_clerk_notices_by_itself(redis, make_context, load, brisk, desk, clock, semi):
    office = desk(approval_ttl_s=60)
    await office.submit(semi())
    await clock.move(minutes=2)
    async with running(*(brisk(ApprovalClerk(make_context(plugins=load()))) for _ in range(2))):
        await wait_until(lambda: _at_least(redis, EXECUTIONS, 2))
    assert await statuses(office) == ["pending_approval", "rejected"]


async def test_what_waits_outlives_the_process(desk, semi):
    one = semi()
    await desk().submit(one)
    later = desk()
    await later.decide(one.arena_id, "approve")
    assert await statuses(later) == ["pending_approval", "approved"]


@pytest.mark.parametrize(
    ("changed", "check"),
    [("halted", "trading_state"), ("traded", "duplicate"), ("full", "total_exposure"), ("late", "max_age")],
)
async def test_an_approval_is_judged_by_how_things_are_then(
    redis, desk, clock, action, semi, stopped_by, changed, check
):
    office = desk(max_exposure=0.15, max_age_s=1800)
    one = semi(published_at=clock.now)
    await office.submit(one)
    if changed == "halted":
        await set_trading(redis, "HALTED", "anna", "fire")
    elif changed == "late":
        await clock.move(minutes=31)
    else:
        other = {"ticker": "AAPL" if changed == "traded" else "IBM"}
        size = {"size_fraction": 0.05 if changed == "traded" else 0.1}
        assert (await office.judged(action(target=other, sizing=size, published_at=clock.now))).status == "approved"
    await office.decide(one.arena_id, "approve")
    final = (await office.executions())[-1]
    assert (final.status, final.action.arena_id) == ("rejected", one.arena_id)
    assert stopped_by(final) == [check]
    assert await find(redis, one.arena_id) is None


async def test_what_cannot_be_decided_is_refused_with_the_reason(desk, clock, semi):
    office = desk(approval_ttl_s=60)
    approved, rejected, expired = (semi(target={"ticker": ticker}) for ticker in "ABC")
    await office.submit(approved, rejected, expired)
    await office.decide(approved.arena_id, "approve", who="anna")
    await office.decide(rejected.arena_id, "reject", who="ben", why="no")
    await clock.move(minutes=2)
    for action_id, words in (
        ("nobody", "No action nobody waits for anybody"),
        (approved.arena_id, "was approved by anna already: it went out to paper."),
        (rejected.arena_id, "was rejected already: approval: rejected by ben: no"),
        (expired.arena_id, "was rejected already: approval: expired: nobody approved it before"),
    ):
        for said in ("approve", "reject"):
            assert words in await refusal(office, Decision(action_id=action_id, said=said, who="eve"))
    await office.redis.xtrim(EXECUTIONS, 0, approximate=False)
    assert "decided already" in await refusal(office, Decision(action_id=approved.arena_id, said="reject", who="eve"))


async def test_the_same_word_again_is_the_same_execution(desk, semi):
    """Whoever crashed before telling the result tells the same one."""
    office = desk()
    approvals = Approvals(office.context)
    one, two = semi(), semi(target={"ticker": "IBM"})
    await office.submit(one, two)
    yes = Decision(action_id=one.arena_id, said="approve", who="anna", why="fine")
    no = Decision(action_id=two.arena_id, said="reject", who="anna", why="no")
    for decision, status in ((yes, "approved"), (no, "rejected")):
        first = await approvals.decide(decision)
        assert (await approvals.decide(decision)) == first
        assert first.status == status
    assert len(await office.executions()) == 4


async def test_many_decide_at_once_and_one_counts(desk, clock, semi):
    for number in range(10):
        office = desk(approval_ttl_s=60, max_exposure=None)
        one = semi(target={"ticker": f"T{number}"})
        await office.submit(one)
        await clock.move(seconds=60 * (number % 2))
        await asyncio.gather(
            *(desk().decide(one.arena_id, said, who) for said in ("approve", "reject") for who in ("anna", "ben")),
            office.expire(),
            office.submit(one),
        )
        finals = [execution for execution in await office.executions() if execution.action.arena_id == one.arena_id]
        assert len(finals) == 2


async def test_what_waits_but_cannot_be_read_stops_nobody(redis, desk, clock, semi):
    office = desk(approval_ttl_s=60)
    one = semi()
    await redis.hset(PENDING, "broken", "{half")
    await redis.zadd(DEADLINES, {"broken": 0})
    await office.submit(one)
    assert [waits.action.arena_id for waits in await pending(redis)] == [one.arena_id]
    await clock.move(minutes=2)
    await office.expire()
    assert await statuses(office) == ["pending_approval", "rejected"]
    assert await redis.zcard(DEADLINES) == 0


async def test_a_decision_comes_through_its_stream(redis, make_context, load, brisk, desk, semi):
    office = desk()
    one, two = semi(), semi(target={"ticker": "IBM"})
    await office.submit(one, two)
    async with running(clerk := brisk(ApprovalClerk(make_context(plugins=load())))):
        await ask(redis, Decision(action_id=one.arena_id, said="approve", who="anna"))
        await publish(redis, APPROVALS, {"action_id": two.arena_id, "said": "perhaps", "who": "anna"})
        await publish(redis, APPROVALS, {"action_id": "nobody", "said": "approve", "who": "anna"})
        await ask(redis, Decision(action_id=two.arena_id, said="reject", who="anna"))
        await until_quiet(redis)
    assert await statuses(office) == ["pending_approval"] * 2 + ["approved", "rejected"]
    assert clerk.consumer.bad_entries == 1
    (letter,) = entries(await redis.xrange(DEAD))
    assert codec.decode(letter[1])["reason"].startswith("the decision is not valid: said: ")
    with pytest.raises(ActionError, match="approved by anna already"):
        await ask(redis, Decision(action_id=one.arena_id, said="approve", who="ben"))


@pytest.fixture
def commanded(redis: Redis, make_context, load, brisk):
    """Carry these commands out, one after the other; gives the last answer to each."""

    async def carry_out(*commands: Command) -> list[tuple[str, str | None]]:
        async with running(brisk(ControlInbox(make_context(plugins=load())))):
            for command in commands:
                await send(redis, command)
                await until_quiet(redis)
        found = [codec.decode(fields) for _, fields in entries(await redis.xrange(CONTROL_OUT))]
        answers = {answer["command_id"]: (answer["status"], answer["error"]) for answer in found}
        return [answers[command.command_id] for command in commands]

    return carry_out


async def test_commands_approve_and_reject(redis, desk, semi, commanded):
    office = desk()
    one, two, three = (semi(target={"ticker": ticker}) for ticker in "ABC")
    await office.submit(one, two, three)
    approve = Command(command="approve_action", action_id=one.arena_id, who="anna", why="fine", source="dashboard")
    reject = Command(command="reject_action", action_id=two.arena_id, source="dashboard")
    again = Command(command="reject_action", action_id=one.arena_id, who="ben")
    answers = await commanded(approve, reject, again)
    assert answers[:2] == [("completed", None), ("completed", None)]
    assert answers[2][0] == "rejected"
    assert "was approved by anna already" in answers[2][1]
    finals = (await office.executions())[3:]
    assert [(final.status, final.approved_by) for final in finals] == [("approved", "anna"), ("rejected", "")]
    assert finals[1].checks[-1].reason == "rejected by dashboard"
    await set_trading(redis, "HALTED", "anna", "fire")
    late = Command(command="approve_action", action_id=three.arena_id, who="anna")
    ((status, error),) = await commanded(late)
    assert status == "failed"
    assert error.startswith("trading_state: HALTED since ")


async def _at_least(redis, stream: str, count: int) -> bool:
    return await redis.xlen(stream) >= count

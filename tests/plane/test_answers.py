"""Who takes a command, and that every answer goes out once."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest

from maf_core.plane.answers import Answers, Claim
from maf_core.plane.refusals import Refusal, note, recent_refusals
from maf_core.streams import codec
from maf_core.streams.names import CONTROL_OUT
from maf_core.streams.raw import entries


@pytest.fixture
def answers(redis) -> Answers:
    return Answers(redis)


async def given(redis) -> list[tuple]:
    payloads = [codec.decode(fields) for _, fields in entries(await redis.xrange(CONTROL_OUT))]
    return [(each["command_id"], each["status"], each["arena_id"], each["error"]) for each in payloads]


async def test_an_answer_says_what_the_wire_promises(redis, answers):
    await answers.finish("id1", "completed", "panel-id1")
    ((_, fields),) = entries(await redis.xrange(CONTROL_OUT))
    answer = codec.decode(fields)
    assert set(answer) == {"command_id", "status", "arena_id", "error", "ts"}
    assert datetime.fromisoformat(answer["ts"]).tzinfo is not None


async def test_a_run_is_claimed_and_accepted_in_one_step(redis, answers):
    assert await answers.take("id1", "5-0", "panel-id1") == Claim("5-0", "panel-id1", fresh=True)
    assert await answers.take("id1", "5-0", "panel-id1") == Claim("5-0", "panel-id1")
    assert await answers.take("id1", "6-0", "other-id1") == Claim("5-0", "panel-id1")
    assert await given(redis) == [("id1", "accepted", "panel-id1", None)]


async def test_of_many_entries_at_once_one_gets_the_command(redis, answers):
    claims = await asyncio.gather(*(Answers(redis).take("id1", f"{n}-0", f"panel{n}-id1") for n in range(1, 21)))
    (first,) = [claim for claim in claims if claim.fresh]
    assert {(claim.entry_id, claim.run) for claim in claims} == {(first.entry_id, first.run)}
    assert await given(redis) == [("id1", "accepted", first.run, None)]


async def test_what_gives_no_run_is_claimed_without_an_answer(redis, answers):
    assert (await answers.take("id1", "5-0")).fresh
    assert await given(redis) == []


async def test_a_command_ends_once(redis, answers):
    await answers.take("id1", "5-0", "panel-id1")
    ends = [("failed", "too slow"), ("completed", None), ("failed", "again")]
    assert [await answers.finish("id1", status, "panel-id1", error) for status, error in ends] == [True, False, False]
    assert (await given(redis))[1:] == [("id1", "failed", "panel-id1", "too slow")]
    assert (await answers.take("id1", "5-0", "panel-id1")).over == "failed"


async def test_who_has_taken_a_command_is_known(answers):
    assert await answers.claim("id1") is None
    await answers.take("id1", "5-0", "panel-id1")
    assert await answers.claim("id1") == Claim("5-0", "panel-id1")


async def test_a_command_that_nobody_has_taken_can_be_ended_and_is_then_never_accepted(redis, answers):
    assert await answers.forestall("id1", "not wanted any more")
    assert await answers.forestall("id1", "not wanted any more")
    assert await answers.take("id1", "5-0", "panel-id1") == Claim("5-0", "panel-id1", "failed", fresh=True)
    assert await given(redis) == [("id1", "failed", "", "not wanted any more")]


async def test_one_that_is_in_work_cannot(redis, answers):
    await answers.take("id1", "5-0", "panel-id1")
    assert not await answers.forestall("id1", "too late")
    assert await given(redis) == [("id1", "accepted", "panel-id1", None)]


async def test_a_command_that_died_can_be_taken_again(answers):
    await answers.take("id1", "5-0", "panel-id1")
    await answers.finish("id1", "failed", "panel-id1", "its handler failed")
    await answers.release("id1")
    assert (await answers.take("id1", "5-0", "panel-id1")).fresh


async def test_a_refusal_is_answered_and_noted_once_for_its_entry(redis, answers):
    refusal = Refusal("no such arena", "id1", "5-0", "pannel", "test")
    assert await answers.refuse(refusal)
    assert not await answers.refuse(refusal)
    assert await given(redis) == [("id1", "rejected", "", "no such arena")]
    (noted,) = await recent_refusals(redis)
    assert datetime.fromisoformat(noted.pop("ts")).tzinfo is not None
    assert noted == {"reason": "no such arena", "command_id": "id1", "entry_id": "5-0"} | {
        "arena": "pannel", "source": "test",
    }  # fmt: skip


async def test_a_refused_id_is_free_for_a_better_command(answers):
    await answers.refuse(Refusal("no such arena", "id1", "5-0"))
    assert (await answers.take("id1", "6-0", "panel-id1")).fresh


async def test_a_command_that_was_taken_and_is_rejected_is_over(redis, answers):
    await answers.take("id1", "5-0")
    await answers.refuse(Refusal("there is no such run", "id1", "5-0"), claimed=True)
    assert not await answers.finish("id1", "completed")
    assert [status for _, status, *_ in await given(redis)] == ["rejected"]


async def test_the_last_refusals_come_first_and_only_so_many_are_kept(redis):
    for number in range(1300):
        await note(redis, f"key{number}", Refusal(f"reason {number}"))
    assert not await note(redis, "key0", Refusal("again"))
    found = await recent_refusals(redis, 2)
    assert [each["reason"] for each in found] == ["reason 1299", "reason 1298"]
    assert 1000 <= len(await recent_refusals(redis, 5000)) < 1300


async def test_what_others_write_among_the_refusals_is_shown_as_far_as_it_can_be(redis):
    await redis.xadd("maf:{maf:control:out}:refused", {"data": "{not json"})
    await redis.xadd("maf:{maf:control:out}:refused", {"data": '{"reason": 5}'})
    found = await recent_refusals(redis)
    assert found[0]["reason"] == "5"
    assert "cannot be decoded" in found[1]["reason"]

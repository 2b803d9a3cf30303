"""A dead letter's entry goes back to the group that gave it up, once, and to nobody else."""

from __future__ import annotations

import asyncio

import pytest

from maf_core.errors import BadEntryError
from maf_core.streams.consume import Entry
from maf_core.streams.dead import newest
from maf_core.streams.publish import publish
from maf_core.streams.quiet import until_quiet
from maf_core.streams.redrive import follow, redrive
from maf_core.testing import running, wait_until


def refuse(entry: Entry) -> None:
    raise BadEntryError("still nobody wants it")


async def fates(redis) -> list[str]:
    """Of all letters, the oldest first."""
    return [followed.fate for followed in await follow(redis, await newest(redis, 100))][::-1]


async def test_it_comes_back_to_its_group_under_its_own_id_and_to_no_other(redis, handling, given_up):
    other: list[Entry] = []
    back: list[Entry] = []
    async with running(handling("other", other.append)):
        (letter,) = await given_up({"n": 1})
        assert (await redrive(redis, letter)).answer == "redriven"
        assert await fates(redis) == ["pending"]
        async with running(handling("g", back.append)):
            await until_quiet(redis)
    assert [(entry.id, entry.payload, entry.deliveries) for entry in back] == [(letter.entry_id, {"n": 1}, 1)]
    assert len(other) == 1
    assert await fates(redis) == ["acknowledged"]


async def test_a_consumer_that_runs_takes_it_over_by_itself(redis, handling, given_up):
    (letter,) = await given_up({"n": 1})
    back: list[Entry] = []
    async with running(handling("g", back.append)):
        await redrive(redis, letter)
        await wait_until(lambda: back)


async def test_repeated_and_side_by_side_it_is_given_back_once(redis, handling, given_up):
    (letter,) = await given_up({"n": 1})
    answers = [done.answer for done in await asyncio.gather(*(redrive(redis, letter) for _ in range(20)))]
    assert sorted(answers) == ["already"] * 19 + ["redriven"]
    back: list[Entry] = []
    async with running(handling("g", back.append)):
        await until_quiet(redis)
        assert (await redrive(redis, letter)).answer == "already"
        await until_quiet(redis)
    assert len(back) == 1


async def test_cut_short_anywhere_and_repeated_it_is_given_back_once(redis, handling, given_up):
    letters = await given_up(*({"n": number} for number in range(60)))
    for number, letter in enumerate(letters):
        cut_short = asyncio.create_task(redrive(redis, letter))
        for _ in range(number % 12):
            await asyncio.sleep(0)
        cut_short.cancel()
    back: list[Entry] = []
    async with running(handling("g", back.append)):
        for letter in letters:
            await redrive(redis, letter)
        await until_quiet(redis)
    assert sorted(entry.payload["n"] for entry in back) == list(range(60))


async def test_what_dies_again_is_a_new_letter_that_can_be_redriven_again(redis, handling, given_up):
    (first,) = await given_up({"n": 1})
    await redrive(redis, first)
    async with running(handling("g", refuse)):
        await until_quiet(redis)
    second, again = await newest(redis, 2)
    assert (again, second.about) == (first, first.about)
    assert await fates(redis) == ["dead again", "dead"]
    assert (await redrive(redis, first)).answer == "already"
    assert (await redrive(redis, second)).answer == "redriven"
    back: list[Entry] = []
    async with running(handling("g", back.append)):
        await until_quiet(redis)
    assert [entry.id for entry in back] == [first.entry_id]
    assert await fates(redis) == ["dead again", "acknowledged"]


async def test_what_a_consumer_still_holds_is_not_touched(redis, write_letter):
    entry_id = await publish(redis, "in", {"n": 1})
    await redis.xgroup_create("in", "g", "0")
    await redis.xreadgroup("g", "c1", {"in": ">"})
    await write_letter(entry_id=entry_id)
    (letter,) = await newest(redis, 1)
    assert (await redrive(redis, letter)).answer == "pending"
    assert (await redis.xpending_range("in", "g", "-", "+", 9))[0]["consumer"] == b"c1"
    assert await fates(redis) == ["dead"]


async def test_what_the_group_has_yet_to_be_given_is_not_given_twice(redis, write_letter):
    entry_id = await publish(redis, "in", {"n": 1})
    await redis.xgroup_create("in", "g", "0")
    await write_letter(entry_id=entry_id)
    (letter,) = await newest(redis, 1)
    assert (await redrive(redis, letter)).answer == "undelivered"


@pytest.mark.parametrize("as_new", [False, True])
async def test_without_the_group_nothing_is_done(redis, write_letter, as_new):
    await write_letter(raw={b"data": b"{}"})
    (letter,) = await newest(redis, 1)
    assert (await redrive(redis, letter, as_new=as_new)).answer == "no_group"
    await redis.set("in", "no stream at all")
    assert (await redrive(redis, letter, as_new=as_new)).answer == "no_group"


async def test_a_letter_that_cannot_be_read_is_left_alone(redis, write_letter):
    await write_letter(entry_id="soon")
    (letter,) = await newest(redis, 1)
    assert (await redrive(redis, letter)).answer == "unreadable"
    assert await fates(redis) == ["unreadable"]

"""`maf channels dead`: what operators see of what was given up, and how they give it back."""

from __future__ import annotations

import json

import pytest

from maf_core.streams.dead import newest
from maf_core.streams.publish import publish
from maf_core.testing import running, wait_until


@pytest.fixture
def dead(maf_here, redis_url):
    """Run `maf channels dead …` on the test server; gives what it printed."""

    def run(*words: str, code: int = 0) -> str:
        done = maf_here("channels", "dead", *words, "--redis", redis_url)
        assert done.returncode == code, done.stdout + done.stderr
        assert all(letter.isprintable() or letter == "\n" for letter in done.stdout + done.stderr)
        return done.stdout or done.stderr

    return run


async def test_nothing_was_given_up(redis, dead):
    assert dead("list") == "Nothing was given up.\n"
    assert dead("redrive", "--all") == "There is nothing to re-drive.\n"
    assert json.loads(dead("list", "--json")) == []


async def test_letters_are_listed_and_shown_whoever_wrote_their_words(given_up, write_letter, dead):
    (letter,) = await given_up({"headline": "\x1b[2J\u202e", "n": 1})
    hostile = await write_letter(reason="\x1b]0;owned\x07" * 50, group="h\n", stream="s\x9b31m", raw={b"\xff": b"\x1b"})
    lines = dead("list").splitlines()
    assert [line.split()[0] for line in lines[1:]] == [hostile, letter.id]
    assert "nobody wants it" in lines[2]
    assert len(dead("list", "--group", "g").splitlines()) == 2
    shown = dead("show", letter.id)
    assert "\\u202e" in shown
    assert "nobody wants it" in shown
    assert json.loads(dead("show", letter.id, "--json"))["payload"] == {"headline": "\x1b[2J\u202e", "n": 1}
    assert json.loads(dead("show", hostile, "--json"))["fields"] == {"\\xff": "\x1b"}
    assert "There is no dead letter '1-1'" in dead("show", "1-1", code=2)


async def test_one_is_given_back_and_what_became_of_it_is_told(redis, given_up, handling, dead):
    first, second = await given_up({"n": 1}, {"n": 2})
    said = dead("redrive", first.id)
    assert f"{first.id}: given back to g as {first.entry_id} of in" in said
    assert "Nobody consumes for g now" in said
    assert json.loads(dead("show", first.id, "--json"))["fate"] == "pending"
    back: list = []
    async with running(handling("g", back.append)):
        await wait_until(lambda: back)
    assert "was re-driven before" in dead("redrive", first.id)
    fates = {letter["id"]: letter["fate"] for letter in json.loads(dead("list", "--json"))}
    assert fates == {first.id: "acknowledged", second.id: "dead"}


async def test_all_of_a_group_each_once(redis, given_up, write_letter, handling, dead):
    await given_up(*({"n": number} for number in range(5)))
    other = await write_letter(group="other")
    assert len(json.loads(dead("redrive", "--all", "--group", "g", "--json"))) == 5
    assert json.loads(dead("redrive", "--all", "--group", "g", "--json")) == []
    back: list = []
    async with running(handling("g", back.append)):
        await wait_until(lambda: len(back) == 5)
    assert [entry.payload["n"] for entry in back] == list(range(5))
    assert [letter["fate"] for letter in json.loads(dead("list", "--json"))] == ["dead", *["acknowledged"] * 5]
    assert other in dead("redrive", "--all", code=1)


async def test_what_has_left_its_stream_is_said_and_added_for_whoever_asks(redis, given_up, dead):
    (letter,) = await given_up({"n": 1})
    await redis.xtrim("in", maxlen=0, approximate=False)
    assert "--as-new" in dead("redrive", letter.id, code=1)
    assert "for all its groups" in dead("redrive", letter.id, "--as-new")
    assert (await redis.xlen("in"), dead("redrive", letter.id, "--as-new").count("before")) == (1, 1)


async def test_what_was_kept_only_in_part_is_not_added(redis, write_letter, dead):
    await redis.xgroup_create("in", "g", "0", mkstream=True)
    letter = await write_letter(fields={"data": '{"n": '}, cut=True)
    assert "does not hold all of it" in dead("redrive", letter, "--as-new", code=1)
    assert await redis.xlen("in") == 0


@pytest.mark.parametrize("words", [(), ("1-1", "--all"), ("1-1", "--group", "g")])
async def test_what_makes_no_sense_is_refused(redis, dead, words):
    dead("redrive", *words, code=2)


async def test_an_unknown_letter_among_others_leaves_all_alone(redis, given_up, dead):
    (letter,) = await given_up({"n": 1})
    dead("redrive", letter.id, "1-1", code=2)
    assert json.loads(dead("show", letter.id, "--json"))["fate"] == "dead"


async def test_what_a_consumer_still_holds_is_left_to_it(redis, write_letter, dead):
    entry_id = await publish(redis, "in", {"n": 1})
    await redis.xgroup_create("in", "g", "0")
    await redis.xreadgroup("g", "c1", {"in": ">"})
    await write_letter(entry_id=entry_id)
    (letter,) = await newest(redis, 1)
    assert "still holds" in dead("redrive", letter.id, code=1)

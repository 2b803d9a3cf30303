"""An entry that has left its stream: re-driving says so, and adds it anew, byte for byte, for whoever asks for that."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maf_core.streams.consume import Entry
from maf_core.streams.dead import newest
from maf_core.streams.names import DEAD
from maf_core.streams.quiet import until_quiet
from maf_core.streams.raw import entries
from maf_core.streams.redrive import follow, redrive
from maf_core.testing import running


async def test_gone_is_said_and_nothing_is_added(redis, given_up):
    (letter,) = await given_up({"n": 1})
    await redis.xtrim("in", maxlen=0, approximate=False)
    assert (await redrive(redis, letter)).answer == "gone"
    assert await redis.xlen("in") == 0
    assert [followed.fate for followed in await follow(redis, [letter])] == ["dead"]


async def test_as_new_it_is_added_once_for_all_groups(redis, handling, given_up):
    g: list[Entry] = []
    other: list[Entry] = []
    (letter,) = await given_up({"n": 1})
    await redis.xgroup_create("in", "other", "$")
    await redis.xtrim("in", maxlen=0, approximate=False)
    done = await redrive(redis, letter, as_new=True)
    assert (done.answer, (await redrive(redis, letter, as_new=True)).answer) == ("redriven", "already")
    async with running(handling("g", g.append), handling("other", other.append)):
        await until_quiet(redis)
    assert [entry.id for entry in g] == [entry.id for entry in other] == [done.added_as]
    (followed,) = await follow(redis, [letter])
    assert (followed.fate, followed.added_as) == ("added anew", done.added_as)


async def test_an_entry_that_is_still_there_is_not_added(redis, given_up):
    (letter,) = await given_up({"n": 1})
    done = await redrive(redis, letter, as_new=True)
    assert (done.answer, done.added_as, await redis.xlen("in")) == ("redriven", "", 1)


async def test_without_content_nothing_can_be_added(redis, write_letter):
    await redis.xgroup_create("in", "g", "0", mkstream=True)
    await write_letter(raw={})
    (letter,) = await newest(redis, 1)
    assert (await redrive(redis, letter, as_new=True)).answer == "lost"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.dictionaries(st.binary(max_size=40), st.binary(max_size=200), min_size=1, max_size=5))
async def test_every_byte_comes_back(redis, write_letter, raw):
    await redis.delete("in", DEAD)
    await redis.xgroup_create("in", "g", "0", mkstream=True)
    await write_letter(raw=raw)
    (letter,) = await newest(redis, 1)
    assert letter.fields == raw
    await redrive(redis, letter, as_new=True)
    assert [fields for _, fields in entries(await redis.xrange("in"))] == [raw]

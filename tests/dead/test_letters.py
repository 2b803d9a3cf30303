"""Dead letters are read whatever lies on their stream."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maf_core.errors import UnknownNameError
from maf_core.streams.dead import find, letters, newest
from maf_core.streams.names import DEAD
from maf_core.streams.redrive import follow


async def test_a_group_writes_what_it_gave_up_and_why(redis, given_up):
    before = datetime.now(UTC)
    first, second = await given_up({"n": 1}, {"n": 2})
    assert (first.stream, first.group, first.reason) == ("in", "g", "nobody wants it")
    assert (first.fields, second.fields) == ({b"data": b'{"n":1}'}, {b"data": b'{"n":2}'})
    assert abs((first.died_at - before).total_seconds()) < 60
    assert await find(redis, second.id) == second


async def test_one_that_was_written_before_encodings_is_text(redis, write_letter):
    letter_id = await write_letter(fields={"data": '{"n": "é"}'})
    letter = await find(redis, letter_id)
    assert (letter.fields, letter.deliveries) == ({b"data": '{"n": "é"}'.encode()}, None)


async def test_of_a_stream_or_a_group_the_newest_first(redis, write_letter):
    ids = [await write_letter(stream=stream, group=group) for stream in ("in", "out") for group in ("g", "h")]
    assert [letter.id for letter in await newest(redis, 9)] == ids[::-1]
    assert [letter.id for letter in await newest(redis, 3)] == ids[:0:-1]
    assert [letter.id for letter in await newest(redis, 9, stream="in")] == [ids[1], ids[0]]
    assert [letter.id for letter in await newest(redis, 9, group="h")] == [ids[3], ids[1]]
    assert [letter.id for letter in await newest(redis, 1, "in", "g")] == [ids[0]]


async def test_none_is_lost_over_many_pages(redis, write_letter):
    ids = [await write_letter() for _ in range(1100)]
    assert [letter.id async for letter in letters(redis)] == ids[::-1]


@pytest.mark.parametrize("unknown", ["1-1", "-", "+", "$", "0", "", "1-1-1", "x", "١-١"])
async def test_an_id_that_names_no_letter_is_told(redis, write_letter, unknown):
    await write_letter()
    with pytest.raises(UnknownNameError, match="maf channels dead list"):
        await find(redis, unknown)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)
)
WRITTEN = st.fixed_dictionaries(
    {},
    optional={
        name: anything | st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=2)
        for name in ("stream", "entry_id", "group", "reason", "deliveries", "died_at", "fields", "encoding")
    },
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.dictionaries(st.binary(max_size=9), st.binary(max_size=30), min_size=1, max_size=3), written=WRITTEN)
async def test_nonsense_is_a_letter_with_a_fault(redis, write_letter, raw, written):
    await redis.delete(DEAD)
    await redis.xadd(DEAD, raw)
    await write_letter(**{"entry_id": "1-1", **written})
    found = await newest(redis, 9)
    assert len(found) == 2
    assert found[1].fault
    assert [one.fate for one in await follow(redis, found)][1] == "unreadable"

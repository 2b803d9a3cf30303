"""A view answers what the stream said at any moment, however the entries came in."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maf_core.errors import BadEntryError
from maf_core.streams.publish import publish
from maf_core.streams.view import StreamView
from maf_core.testing.conformance.server import commands_of

rows = st.tuples(st.sampled_from("ab"), st.integers(1_700_000_000, 1_700_000_009), st.integers(0, 99))
moments = st.integers(1_699_999_999, 1_700_000_010)
on_one_server = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def parse(payload):
    """Several rows an entry, as a news article names several symbols."""
    if "rows" not in payload:
        raise BadEntryError("no rows")
    for key, time, item in payload["rows"]:
        yield key, float(time), (time, item)


def expected(written, key, *, unique):
    """The items of a key by time; among equal times the earlier written first, or alone."""
    mine = sorted(((time, item) for found, time, item in written if found == key), key=lambda row: row[0])
    return mine if not unique else mine[:1] + [row for last, row in pairwise(mine) if last[0] != row[0]]


@on_one_server
@given(st.lists(st.lists(rows, max_size=4), max_size=12), moments, moments, st.integers(1, 5), st.booleans())
async def test_a_view_agrees_with_sorting_everything(redis, batches, since, as_of, count, unique):
    await redis.delete("in")
    view = StreamView(redis, "in", parse, unique=unique)
    written = []
    for batch in batches:
        await publish(redis, "in", {"rows": batch})
        written += batch
        for key in "ab":  # asking in between must not change later answers
            known = expected(written, key, unique=unique)
            assert await view.latest(key, as_of, count) == [row for row in known if row[0] <= as_of][-count:]
            assert await view.between(key, since, as_of) == [row for row in known if since < row[0] <= as_of]
    await view.refresh()
    assert view.keys() == sorted({key for key, _, _ in written})
    kept = sum(len(expected(written, key, unique=True)) for key in "ab")
    assert view.duplicates == (len(written) - kept if unique else 0)


@on_one_server
@given(st.lists(st.integers(0, 1000), min_size=1, max_size=60, unique=True), st.integers(1, 8))
async def test_a_bounded_view_keeps_the_newest(redis, times, keep):
    await redis.delete("in")
    view = StreamView(redis, "in", parse, keep=keep)
    for time in times:
        await publish(redis, "in", {"rows": [("a", time, 0)]})
    found = await view.between("a", -1, 1000)
    assert found[-keep:] == [(time, 0) for time in sorted(times)][-keep:]
    assert len(found) <= keep * 5 // 4


async def test_more_than_one_page_is_read(redis):
    pipeline = redis.pipeline(transaction=False)
    for time in range(4001):
        pipeline.xadd("in", {"data": f'{{"rows": [["a", {time}, 0]]}}'})
    await pipeline.execute()
    assert await StreamView(redis, "in", parse).latest("a", 1e9, 1) == [(4000, 0)]


async def test_bad_entries_are_skipped_and_counted(redis):
    await publish(redis, "in", {"rows": [("a", 1, 1)]})
    await publish(redis, "in", {"other": 1})
    await redis.xadd("in", {"data": b"\xff"})
    await publish(redis, "in", {"rows": [("a", 2, 2)]})
    view = StreamView(redis, "in", parse)
    assert await view.latest("a", 9.0, 5) == [(1, 1), (2, 2)]
    assert await view.latest("unknown", 9.0, 5) == await view.between("unknown", 0.0, 9.0) == []
    assert view.bad_entries == 2


@pytest.mark.needs("commandstats")
async def test_asking_reads_only_what_is_new(redis):
    view = StreamView(redis, "in", parse)
    for time in range(3):
        await publish(redis, "in", {"rows": [("a", time, 0)]})
        assert await commands_of(redis, lambda: view.latest("a", 9.0, 9)) == 1
        assert len(await view.latest("a", 9.0, 9)) == time + 1
    await redis.delete("in")
    assert len(await view.latest("a", 9.0, 9)) == 3, "the view needs the stream only for what it has not seen"

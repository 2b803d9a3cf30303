"""Streams stay bounded, and nobody loses what he has not acknowledged without being told."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from maf_core.streams.bounds import dropped
from maf_core.streams.names import EVENTS, EXECUTIONS
from maf_core.streams.publish import keep_bounded
from maf_core.streams.raw import by_stream, entries
from maf_core.testing import running, wait_until
from maf_core.trim import StreamTrimmer, trim

MAXLEN = 20


@pytest.fixture
async def fine(redis):
    """The server cuts a stream at any entry, not only between blocks of a hundred."""
    before = await redis.config_get("stream-node-max-entries")
    await redis.config_set("stream-node-max-entries", 1)
    yield redis
    await redis.config_set(*before.popitem())


async def fill(redis, length: int, stream: str = "in") -> list[str]:
    pipeline = redis.pipeline(transaction=False)
    for number in range(length):
        pipeline.xadd(stream, {"data": f'{{"n":{number}}}'})
    return [entry_id.decode() for entry_id in await pipeline.execute()]


async def ids(redis, stream: str = "in") -> list[str]:
    return [entry_id for entry_id, _ in entries(await redis.xrange(stream))]


@pytest.mark.needs("config")
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(length=st.integers(0, 2 * MAXLEN), delivered=st.integers(0, 2 * MAXLEN), late=st.sets(st.integers(0, 39)))
async def test_what_a_group_has_not_acknowledged_stays(fine, length, delivered, late):
    await fine.delete("in")
    await fine.xgroup_create("in", "g", "0", mkstream=True)
    written = await fill(fine, length)
    if delivered:
        await fine.xreadgroup("g", "c", {"in": ">"}, count=delivered)
    acked = [entry_id for number, entry_id in enumerate(written[:delivered]) if number not in late]
    if acked:
        await fine.xack("in", "g", *acked)
    gone = await trim(fine, "in", MAXLEN)
    left = await ids(fine)
    assert left == written[gone:], "only the oldest go"
    assert not set(written[:gone]) - set(acked), "only what was acknowledged goes"
    open_from = min((number for number, entry_id in enumerate(written) if entry_id not in acked), default=length)
    assert len(left) <= max(MAXLEN, length - open_from + 1), "and everything of that which is too much"


@pytest.mark.needs("config")
async def test_the_slowest_group_counts(fine):
    written = await fill(fine, 30)
    for group, read in (("fast", 30), ("slow", 5)):
        await fine.xgroup_create("in", group, "0")
        await fine.xreadgroup(group, "c", {"in": ">"}, count=read)
        await fine.xack("in", group, *written[:read])
    await trim(fine, "in", MAXLEN)
    assert (await ids(fine))[0] <= written[5]


@pytest.mark.needs("config")
async def test_a_stream_nobody_reads_is_cut(fine):
    written = await fill(fine, 30)
    assert await trim(fine, "in", MAXLEN) == 10
    assert await ids(fine) == written[10:]
    assert await trim(fine, "in", MAXLEN) == await trim(fine, "missing", MAXLEN) == 0


@pytest.mark.needs("config")
async def test_twice_too_long_the_oldest_go_and_a_warning_says_so(fine):
    await fine.xgroup_create("in", "g", "0", mkstream=True)
    written = await fill(fine, 2 * MAXLEN + 1)
    with capture_logs() as logs:
        await trim(fine, "in", MAXLEN)
    assert await ids(fine) == written[-MAXLEN:]
    (line,) = logs
    assert (line["event"], line["log_level"], line["stream"]) == ("unread_entries_dropped", "warning", "in")
    assert line["lost"] == {"g": MAXLEN + 1}
    assert await dropped(fine, ["in"]) == {"in": {"g": MAXLEN + 1}}


@pytest.mark.needs("config")
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    extra=st.integers(1, MAXLEN),
    read=st.tuples(st.integers(0, 3 * MAXLEN), st.integers(0, 3 * MAXLEN)),
    late=st.sets(st.integers(0, 3 * MAXLEN)),
    twice=st.booleans(),
)
async def test_every_entry_that_a_group_loses_is_counted(fine, extra, read, late, twice):
    await fine.flushall()
    lost = {"a": 0, "b": 0}
    open_to: dict[str, set[str]] = {"a": set(), "b": set()}
    for group in lost:
        await fine.xgroup_create("in", group, "0", mkstream=True)
    for _ in range(1 + twice):
        written = await fill(fine, 2 * MAXLEN + extra)
        for group, count in zip(lost, read, strict=True):
            open_to[group] |= set(written)
            answer = await fine.xreadgroup(group, "c", {"in": ">"}, count=count) if count else []
            given_out = [entry_id for _, found in by_stream(answer) for entry_id, _ in found]
            acked = [entry_id for number, entry_id in enumerate(given_out) if number not in late]
            if acked:
                await fine.xack("in", group, *acked)
            open_to[group] -= set(acked)
        await trim(fine, "in", MAXLEN)
        left = set(await ids(fine))
        for group in lost:
            lost[group] += len(open_to[group] - left)
            open_to[group] &= left
    assert (await dropped(fine, ["in"])).get("in", {}) == {group: count for group, count in lost.items() if count}


@pytest.mark.needs("config")
async def test_of_a_group_whose_count_the_server_lost_no_fewer_are_counted_than_went(fine):
    written = await fill(fine, 50)
    await fine.xgroup_create("in", "g", written[4])
    await fine.xdel("in", written[45])
    await trim(fine, "in", MAXLEN)
    went = set(written) - set(await ids(fine)) - {written[45]}
    assert len(went - set(written[:5])) <= (await dropped(fine, ["in"]))["in"]["g"] <= len(went)


@pytest.mark.needs("config")
async def test_no_warning_when_everything_that_goes_was_acknowledged(fine):
    await fine.xgroup_create("in", "g", "0", mkstream=True)
    written = await fill(fine, 3 * MAXLEN)
    await fine.xreadgroup("g", "c", {"in": ">"})
    await fine.xack("in", "g", *written)
    with capture_logs() as logs:
        await trim(fine, "in", MAXLEN)
    assert len(await ids(fine)) <= MAXLEN
    assert logs == []


async def test_one_look_cuts_a_long_stream_down(redis):
    """A stream that grows by more than a page between two looks must not reach twice its length."""
    await fill(redis, 12_000)
    await trim(redis, "in", 6_000)
    assert await redis.xlen("in") <= 6_100


async def test_the_worker_trims_what_groups_read_and_what_maf_writes(redis, make_context, consumer):
    await consumer("c1").create_groups()
    await fill(redis, 2_500, EXECUTIONS)
    await fill(redis, 2_500)

    async def trimmed() -> bool:
        return all([await redis.xlen(stream) <= 1_100 for stream in (EXECUTIONS, "in")])

    async with asyncio.timeout(20), running(StreamTrimmer(make_context(stream_maxlen=1000))):
        await wait_until(trimmed)


async def test_the_worker_trims_what_somebody_asked_to_keep_bounded(redis, make_context):
    await keep_bounded(redis, "mine")
    await fill(redis, 2_500, "mine")

    async def trimmed() -> bool:
        return await redis.xlen("mine") <= 1_100

    async with running(StreamTrimmer(make_context(stream_maxlen=1000))):
        await wait_until(trimmed)


async def test_a_stream_may_have_a_length_of_its_own_and_one_that_is_none_hinders_no_other(redis, make_context):
    await redis.set("a_text", "x")
    await fill(redis, 2_500, "mine")
    await fill(redis, 2_500)
    await keep_bounded(redis, "in")
    context = make_context(stream_maxlen=2000, stream_maxlens={"a_text": 5, "mine": 100})

    async def trimmed() -> bool:
        return await redis.xlen("mine") <= 200 and await redis.xlen("in") <= 2_100

    async with running(StreamTrimmer(context)):
        await wait_until(trimmed)
    assert await redis.xlen("in") > 1_900


async def test_events_have_a_length_of_their_own(redis, make_context):
    context = make_context(stream_maxlens={EVENTS: 100})
    bus = asyncio.create_task(context.events.run())
    for _ in range(1000):
        context.events.emit("system.status")
    context.events.close()
    await bus
    assert await redis.xlen(EVENTS) <= 300


async def test_the_worker_tells_where_the_streams_stand(redis, make_context):
    context = make_context()
    await fill(redis, 3)
    await keep_bounded(redis, "in")
    await redis.xgroup_create("in", "g", "0")
    await redis.xreadgroup("g", "c", {"in": ">"}, count=1)
    told: list[dict] = []
    with context.events.observed_by(told.append):
        async with running(StreamTrimmer(context)):
            await wait_until(lambda: told)
    (status,) = told
    groups = [{"group": "g", "lag": 2, "pending": 1}]
    assert status["kind"] == "system.status"
    assert {"stream": "in", "length": 3, "groups": groups} in status["payload"]["streams"]

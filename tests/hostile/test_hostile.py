"""Whatever is put on a stream: its reader goes on, counts each bad entry once, and loses no good one."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.processors import format_exc_info
from structlog.testing import capture_logs
from tests.hostile.entries import Fields, put, strange, sweep, unreadable
from tests.hostile.reading import NUMBERS, STRANGE, Reader, Reading
from tests.hostile.rows import READERS

from maf_core import AppContext

ROWS = [pytest.param(reader, id=reader.name, marks=pytest.mark.needs(*reader.needs)) for reader in READERS]
pytestmark = [pytest.mark.slow, pytest.mark.parametrize("reader", ROWS)]

# What a handler or a parser raised that is no refusal: it took the entry for good, and fell over it.
_BROKE = {"handler_failed", "risk_check_broke", "parser_failed"}
few = settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def good(payload: dict) -> Fields:
    return ((b"data", json.dumps(payload).encode()),)


@asynccontextmanager
async def sound(reader: Reader, context: AppContext) -> AsyncIterator[Reading]:
    """A reading that takes no entry for good and then falls over it."""
    with capture_logs(processors=[format_exc_info]) as logs:
        async with reader.open(context) as reading:
            yield reading
    broke = [log["exception"] for log in logs if log["event"] in _BROKE]
    assert broke == [], broke[0]


@few
@given(st.data())
async def test_the_reader_goes_on_and_each_bad_entry_counts_once(redis, application, reader: Reader, data):
    await redis.flushall()
    async with sound(reader, application(reader)) as reading:
        bad = data.draw(st.lists(unreadable(), min_size=1, max_size=6))
        odd = data.draw(st.lists(strange(reading.good(STRANGE)), min_size=1, max_size=6))
        mixed = data.draw(st.permutations([*bad, *odd, *(good(reading.good(number)) for number in NUMBERS[:-1])]))
        await put(redis, reader.stream, [*mixed, good(reading.good(NUMBERS[-1]))])
        assert await reading.handled() == set(NUMBERS)
        counted = await reading.bad()
        assert len(bad) <= counted <= len(bad) + len(odd)
        assert (await reading.handled(), await reading.bad()) == (set(NUMBERS), counted)


async def test_every_part_may_be_anything(redis, application, reader: Reader):
    async with sound(reader, application(reader)) as reading:
        odd = list(sweep(reading.good(STRANGE)))
        await put(redis, reader.stream, [*odd, *(good(reading.good(number)) for number in NUMBERS)])
        assert await reading.handled() == set(NUMBERS)
        assert await reading.bad() <= len(odd)

"""Appending to streams, once and only once where it matters, and reading back what was written."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maf_core.errors import BadEntryError
from maf_core.streams import codec
from maf_core.streams.names import beside
from maf_core.streams.publish import MARKER_SECONDS, Published, publish, publish_once

texts = st.text(st.characters(exclude_categories=["Cs"]))
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | texts
json_data = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=10)


@given(st.dictionaries(texts, json_data))
def test_what_is_encoded_is_decoded(payload):
    assert codec.decode(codec.encode(payload)) == payload


def test_what_json_has_no_word_for_becomes_null():
    assert codec.decode(codec.encode({"a": math.nan, "b": [math.inf]})) == {"a": None, "b": [None]}


def test_flat_fields_are_read_as_text():
    assert codec.decode({b"S": b"AAPL", b"c": "1,5 €".encode()}) == {"S": "AAPL", "c": "1,5 €"}


@pytest.mark.parametrize(
    "fields",
    [
        {b"data": b"{"},
        {b"data": b""},
        {b"data": b"\xff\xfe"},
        {b"data": b"[1]"},
        {b"data": b"null"},
        {b"data": b'{"a": "\xff"}'},
        {b"data": b"[" * 100_000},
        {b"flat": b"\xff"},
    ],
    ids=["cut off", "empty", "no text", "a list", "null", "a wrong byte", "too deep", "flat and a wrong byte"],
)
def test_what_cannot_be_decoded_is_a_bad_entry(fields):
    with pytest.raises(BadEntryError):
        codec.decode(fields)


@given(st.binary())
def test_no_bytes_raise_anything_else(data):
    with suppress(BadEntryError):
        assert isinstance(codec.decode({b"data": data}), dict)


async def test_publish_appends_one_json_object(redis):
    entry_id = await publish(redis, "out", {"a": 1})
    assert await redis.xrange("out") == [(entry_id.encode(), {b"data": b'{"a":1}'})]


async def test_a_key_is_published_once(redis):
    first = await publish_once(redis, "out", "run-1", {"try": 1})
    second = await publish_once(redis, "out", "run-1", {"try": 2})
    assert (first.fresh, second.fresh) == (True, False)
    assert first.id == second.id
    assert await redis.xrange("out") == [(first.id.encode(), {b"data": b'{"try":1}'})]


async def test_many_at_once_publish_once(redis):
    answers = await asyncio.gather(*(publish_once(redis, "out", "run-1", {"by": number}) for number in range(20)))
    assert [answer.fresh for answer in answers].count(True) == 1
    assert len({answer.id for answer in answers}) == await redis.xlen("out") == 1


async def test_other_keys_and_other_streams_are_their_own(redis):
    for stream in ("out", "other"):
        for key in ("run-1", "run-2"):
            assert (await publish_once(redis, stream, key, {})).fresh
    assert (await redis.xlen("out"), await redis.xlen("other")) == (2, 2)


async def test_a_marker_outlives_its_entry_and_goes_by_itself(redis):
    published = await publish_once(redis, "out", "run-1", {})
    await redis.xtrim("out", maxlen=0)
    assert await publish_once(redis, "out", "run-1", {}) == Published(published.id, fresh=False)
    assert 0 < await redis.ttl(beside("out", "once", "run-1")) <= MARKER_SECONDS


async def test_a_server_that_forgot_its_scripts_is_told_again(redis):
    await publish_once(redis, "out", "run-1", {})
    await redis.script_flush()
    assert not (await publish_once(redis, "out", "run-1", {})).fresh
    assert (await publish_once(redis, "out", "run-2", {})).fresh

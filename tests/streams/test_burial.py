"""What a dead letter keeps of an entry."""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maf_core.streams import codec
from maf_core.streams.burial import kept
from maf_core.streams.publish import publish
from maf_core.streams.quiet import until_quiet


def bytes_of(letter) -> dict[bytes, bytes]:
    """The fields as the letter says they were."""
    raw = b64decode if letter["encoding"] == "base64" else str.encode
    return {raw(name): raw(value) for name, value in letter["fields"].items()}


@pytest.mark.parametrize(
    "fields",
    [
        {b"data": b"{"},
        {b"data": "{ü".encode()},
        {b"data": b"\xff\x00{"},
        {b"data": b"[]", b"\xfe": b"x"},
        {b"data": b"", b"": b"\x80"},
    ],
)
async def test_every_byte_of_a_bad_entry_is_kept(redis, consumer, consuming, note, letters, fields):
    await redis.xadd("in", fields)
    before = datetime.now(UTC)
    async with consuming(consumer(), note):
        await until_quiet(redis)
    (letter,) = await letters()
    assert bytes_of(letter) == fields
    assert letter["deliveries"] == 1
    assert before <= datetime.fromisoformat(letter["died_at"]) <= datetime.now(UTC)


async def test_text_stays_readable(redis, consumer, consuming, note, letters):
    await redis.xadd("in", {"data": '["naïve"]'})
    async with consuming(consumer(), note):
        await until_quiet(redis)
    (letter,) = await letters()
    assert (letter["encoding"], letter["fields"]) == ("utf-8", {"data": '["naïve"]'})


@pytest.mark.parametrize("fields", [{b"data": b'"' + b"x" * 998 + b'"'}, {bytes([n]): b"x" * 99 for n in range(11)}])
async def test_an_entry_over_the_bound_is_refused_unread_and_not_kept_whole(
    redis, consumer, consuming, seen, note, letters, fields
):
    await redis.xadd("in", fields)
    small = await publish(redis, "in", {"small": 1})
    async with consuming(consumer(max_bytes=1000), note):
        await until_quiet(redis)
    assert [entry.id for entry in seen] == [small]
    (letter,) = await letters()
    assert letter["reason"] == f"the entry is {codec.size(fields):,} bytes; 1,000 are allowed"
    assert letter["cut"] is True


async def test_without_a_bound_any_entry_is_taken(redis, consumer, consuming, seen, note):
    await publish(redis, "in", {"large": "x" * 9_000_000})
    await publish(redis, "in", {"large": "x" * 7_000_000})
    async with consuming(consumer(max_bytes=None), note):
        await until_quiet(redis)
    assert len(seen) == 2


async def test_the_bound_is_eight_megabytes_by_default(redis, consumer, consuming, seen, note, letters):
    large = await publish(redis, "in", {"large": "x" * 8_000_000})
    await publish(redis, "in", {"large": "x" * 7_900_000})
    async with consuming(consumer(), note):
        await until_quiet(redis)
    assert len(seen) == 1
    (letter,) = await letters()
    assert letter["entry_id"] == large
    assert letter["fields"] == {"data": '{"large":"' + "x" * (1024 - len("data") - len('{"large":"'))}


RAW = st.dictionaries(st.binary(max_size=2000), st.binary(max_size=2000), min_size=1, max_size=5)


@given(fields=RAW, bound=st.none() | st.integers(0, 8000))
def test_a_letter_keeps_every_byte_or_a_kilobyte(fields, bound):
    letter = kept(fields, bound)
    if bound is None or codec.size(fields) <= bound:
        assert bytes_of(letter) == fields
    else:
        assert letter["cut"]
        assert sum(len(name) + len(value) for name, value in letter["fields"].items()) <= 1024

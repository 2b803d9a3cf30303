"""Looking at a stream never fails, whatever lies there; what it looks like is told from a sample."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic_core import from_json, to_json

from maf_core.channels import Key, infer_schema, preview_stream, shortened
from maf_core.streams.publish import publish

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)
RAW = st.dictionaries(st.just(b"data") | st.binary(max_size=9), st.binary(max_size=99), min_size=1, max_size=4)
HOSTILE = [
    {b"data": b'{"a": NaN, "b": Infinity}'},
    {b"data": b"[1, 2]"},
    {b"data": b"{" * 100_000},
    {b"data": b'{"a":' * 5000 + b"1" + b"}" * 5000},
    {b"data": b"\xff\xfe"},
    {b"data": b'{"\\ud800": 1}'},
    {b"": b""},
    {b"\xff": b"\x1b]0;owned\x07"},
    {b"data": b"1" * 10_000},
]


async def test_the_newest_come_first_and_data_is_unwrapped(redis):
    ids = [await publish(redis, "in", {"n": number}) for number in range(3)]
    await redis.xadd("in", {"symbol": "AAPL", "close": "1.5"})
    found = await preview_stream(redis, "in", 3)
    assert [entry.payload for entry in found.entries] == [{"symbol": "AAPL", "close": "1.5"}, {"n": 2}, {"n": 1}]
    assert [entry.id for entry in found.entries][1:] == ids[:0:-1]


async def test_nothing_and_no_stream(redis):
    await redis.set("text", "x")
    assert (await preview_stream(redis, "nowhere")).entries == ()
    assert "text cannot be read as a stream" in (await preview_stream(redis, "text")).fault


@pytest.mark.parametrize("raw", HOSTILE)
async def test_a_hostile_entry_hides_no_other(redis, raw):
    await publish(redis, "in", {"n": 1})
    await redis.xadd("in", raw)
    bad, good = (await preview_stream(redis, "in")).entries
    assert good.payload == {"n": 1}
    assert (bad.payload is None) == bool(bad.fault) == (bad.fields is not None)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries=st.lists(RAW, min_size=1, max_size=4))
async def test_whatever_lies_there_can_be_looked_at_and_sent_on(redis, entries):
    await redis.delete("in")
    for raw in entries:
        await redis.xadd("in", raw)
    found = await preview_stream(redis, "in")
    assert len(found.entries) == len(entries)
    sent = from_json(to_json({**found.as_json(most=20), "schema": infer_schema(found.payloads)}, inf_nan_mode="null"))
    assert [entry["id"] for entry in sent["entries"]] == [entry.id for entry in found.entries]


@given(value=json_values, most=st.integers(1, 9))
def test_what_is_cut_says_so_and_what_fits_is_left(value, most):
    def fits(each) -> bool:
        if isinstance(each, str | list | dict) and len(each) > most:
            return False
        inner = [*each, *each.values()] if isinstance(each, dict) else each if isinstance(each, list) else []
        return all(map(fits, inner))

    short = shortened(value, most)
    assert (repr(short) == repr(value)) == fits(value)
    assert fits(value) or "…" in repr(short)


def test_the_schema_says_types_presence_samples_and_nesting():
    payloads = [
        {"symbol": "AAPL", "close": 1.5, "meta": {"a": 1}},
        {"symbol": "IBM", "close": 2, "meta": None},
        {"symbol": "IBM", "close": 3, "live": True},
    ]
    assert infer_schema(payloads) == [
        Key("symbol", 3, ("string",), ("AAPL", "IBM"), False),
        Key("close", 3, ("integer", "number"), (1.5, 2, 3), False),
        Key("meta", 2, ("object", "null"), ({"a": 1}, None), True),
        Key("live", 1, ("boolean",), (True,), False),
    ]
    assert infer_schema([]) == []


@given(payloads=st.lists(st.dictionaries(st.text(max_size=3), json_values, max_size=4), max_size=9))
def test_every_key_of_every_payload_is_in_the_schema(payloads):
    keys = infer_schema(payloads)
    assert {key.key: key.present for key in keys} == {
        name: sum(name in payload for payload in payloads) for name in {name for one in payloads for name in one}
    }
    assert all(key.types and 1 <= len(key.samples) <= 3 for key in keys)

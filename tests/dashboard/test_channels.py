"""Channels over HTTP: listed, previewed, and what is wrong with them."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maf_core import publish
from maf_core.streams.names import DEAD
from maf_core.streams.publish import keep_bounded

HOSTILE = st.dictionaries(st.just(b"data") | st.binary(max_size=5), st.binary(max_size=60), min_size=1, max_size=3)


def no_json(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


@pytest.fixture
def get(dashboard, asked, make_context):
    app = dashboard(context=make_context())

    async def answered(path: str, **params):
        async with asked(app) as client:
            answer = await client.get(path, params=params)
        return answer.status_code, json.loads(answer.text, parse_constant=no_json)

    return answered


async def test_the_list_has_what_is_found_and_how_far_groups_are(redis, get):
    await publish(redis, "maf:mine", {"n": 1})
    await redis.xgroup_create("maf:mine", "g", "0")
    _, rows = await get("/api/channels")
    (row,) = [row for row in rows if row["stream"] == "maf:mine"]
    assert (row["known"], row["length"], row["groups"][0]["group"], row["groups"][0]["lag"]) == (False, 1, "g", 1)


async def test_a_preview_has_the_newest_entries_and_their_schema(redis, get):
    for number in range(12):
        await publish(redis, "in", {"n": number, "text": "x" * 2000})
    await redis.xadd("in", {"data": "nonsense"})
    code, found = await get("/api/channels/preview", stream="in", count=3)
    assert (code, found["stream"]) == (200, "in")
    bad, last, _ = found["entries"]
    assert (bad["payload"], bad["fields"]) == (None, {"data": "nonsense"})
    assert last["payload"]["n"] == 11
    assert last["payload"]["text"].endswith("(2000 characters)")
    assert [(key["key"], key["types"], key["present"]) for key in found["schema"]] == [
        ("n", ["integer"], 2), ("text", ["string"], 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("params", "code"), [({}, 422), ({"stream": "in", "count": 0}, 422), ({"stream": "text"}, 404)]
)
async def test_what_cannot_be_previewed_is_a_problem(redis, get, params, code):
    await redis.set("text", "x")
    status, problem = await get("/api/channels/preview", **params)
    assert (status, problem["status"]) == (code, code)


async def test_an_empty_stream_has_no_entries(get):
    assert await get("/api/channels/preview", stream="nowhere") == (
        200, {"stream": "nowhere", "entries": [], "fault": "", "schema": []},
    )  # fmt: skip


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    raw=HOSTILE | st.sampled_from([b'{"a": NaN}', b'{"a": 1e999}', b'{"a": "\\ud800"}']).map(lambda it: {b"data": it})
)
async def test_whatever_was_written_can_be_looked_at(redis, get, raw):
    await redis.delete("in")
    await redis.xadd("in", raw)
    code, found = await get("/api/channels/preview", stream="in")
    assert (code, len(found["entries"])) == (200, 1)


async def test_the_health_of_streams(redis, get):
    await publish(redis, "in", {"n": 1})
    await keep_bounded(redis, "in", "fine")
    await redis.xgroup_create("in", "g", "0")
    code, rows = await get("/api/streams/health")
    found = {row["stream"]: row for row in rows}
    assert (code, found["fine"]["problems"], found["in"]["maxlen"]) == (200, [], 100_000)
    assert (found["in"]["groups"][0]["attended"], found["in"]["over_limit"], found["in"]["dropped"]) == (
        False,
        False,
        {},
    )
    assert "nobody consumes for g" in found["in"]["problems"][0]


async def test_dead_letters(redis, get):
    letter = {"stream": "in", "entry_id": "1-1", "group": "g", "reason": "why", "fields": {"data": "{}"}}
    letter_id = await publish(redis, DEAD, letter)
    code, (found,) = await get("/api/streams/dead")
    assert (code, found["id"], found["fate"], found["reason"]) == (200, letter_id, "dead", "why")
    assert "fields" not in found

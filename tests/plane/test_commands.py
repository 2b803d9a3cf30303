"""The control plane's words, on the wire."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maf_core.errors import BadEntryError
from maf_core.plane.commands import Command, answer, new_id, send
from maf_core.streams import codec
from maf_core.streams.names import CONTROL_IN, CONTROL_OUT
from maf_core.streams.raw import entries


async def payloads(redis, stream: str) -> list[dict]:
    return [codec.decode(fields) for _, fields in entries(await redis.xrange(stream))]


def test_an_id_is_32_lowercase_hex_characters():
    assert all(len(new_id()) == 32 and set(new_id()) <= set("0123456789abcdef") for _ in range(20))


def test_a_command_needs_only_its_name():
    command = Command.parse({"command": "ping", "unheard_of": 1})
    assert len(command.command_id) == 32
    assert (command.arena, command.target, command.as_of) == ("", {}, None)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({}, "command"),
        ({"command": 5}, "command"),
        ({"command": "ping", "command_id": ""}, "command_id"),
        ({"command": "ping", "command_id": "a b"}, "command_id"),
        ({"command": "ping", "command_id": "x" * 201}, "command_id"),
        ({"command": "ping", "target": "AAPL"}, "target"),
        ({"command": "ping", "action_mode": "yolo"}, "action_mode"),
        ({"command": "ping", "as_of": "yesterday"}, "as_of"),
        ({"command": "ping", "trigger": []}, "trigger"),
    ],
)
def test_a_wrong_field_is_named(wrong, field):
    with pytest.raises(BadEntryError, match=rf"the command is not valid: {field}: "):
        Command.parse(wrong)


@pytest.mark.parametrize(
    ("stated", "moment"),
    [
        ("2024-03-01T12:00:00Z", datetime(2024, 3, 1, 12, tzinfo=UTC)),
        ("2024-03-01T23:00:00-05:00", datetime(2024, 3, 2, 4, tzinfo=UTC)),
        ("2024-03-01T12:00:00", datetime(2024, 3, 1, 12, tzinfo=UTC)),
    ],
)
def test_the_moment_is_in_utc_whatever_offset_was_written(stated, moment):
    """A run compares it with what sources say, and takes the trade date from it."""
    as_of = Command.parse({"command": "run_arena", "as_of": stated}).as_of
    assert as_of.tzinfo is not None
    assert as_of == moment
    assert as_of.date() == moment.date()


@given(
    st.dictionaries(st.sampled_from([*Command.model_fields, "x"]), st.none() | st.integers() | st.text() | st.just({}))
)
def test_whatever_comes_is_a_command_or_our_own_error(payload):
    with suppress(BadEntryError):
        assert Command.parse(payload).command == payload["command"]


async def test_a_command_sent_twice_is_on_the_stream_once(redis):
    command = Command(command="run_arena", arena="panel", target={"ticker": "AAPL"})
    assert await send(redis, command) == await send(redis, command) == command.command_id
    (payload,) = await payloads(redis, CONTROL_IN)
    assert Command.parse(payload) == command


async def test_an_answer_of_each_status_goes_out_once(redis):
    for status in ("accepted", "completed", "accepted", "completed"):
        await answer(redis, "id1", status, arena_id="panel-id1")
    await answer(redis, "id2", "rejected", error="no such arena")
    sent = await payloads(redis, CONTROL_OUT)
    assert [(a["command_id"], a["status"], a["error"]) for a in sent] == [
        ("id1", "accepted", None),
        ("id1", "completed", None),
        ("id2", "rejected", "no such arena"),
    ]
    assert set(sent[0]) == {"command_id", "status", "arena_id", "error", "ts"}
    assert datetime.fromisoformat(sent[0]["ts"]).tzinfo is not None

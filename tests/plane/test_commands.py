"""The control plane's words, on the wire."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from maf_core.errors import BadEntryError
from maf_core.plane.commands import MAX_DEPTH, Command, new_id, send
from maf_core.streams import codec
from maf_core.streams.names import CONTROL_IN
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
        ({"command": "ping", "target": {"ticker": float("nan")}}, "target"),
        ({"command": "ping", "target": {"ticker": {1, 2}}}, "target"),
        ({"command": "ping", "target": {"a": [{"b": object()}]}}, "target"),
        ({"command": "ping", "target": {"a": {1: 2}}}, "target"),
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


def nested(depth: int) -> dict:
    return {"a": nested(depth - 1)} if depth else {}


def test_a_target_may_be_nested_so_deep_and_no_deeper():
    assert Command.parse({"command": "ping", "target": nested(MAX_DEPTH)}).target == nested(MAX_DEPTH)
    with pytest.raises(BadEntryError, match=f"target: it is nested more than {MAX_DEPTH} deep"):
        Command.parse({"command": "ping", "target": nested(MAX_DEPTH + 1)})


def test_a_command_may_be_so_large_and_no_larger():
    payload = {"command": "ping", "why": "x" * 100}
    size = len(to_json(payload))
    assert Command.parse(payload, size).why == "x" * 100
    with pytest.raises(BadEntryError, match=f"the command has {size} bytes; no more than {size - 1} are taken"):
        Command.parse(payload, size - 1)


def test_a_command_of_another_schema_version_is_refused_before_anything_else_is_looked_at():
    assert Command.parse({"command": "ping", "schema_version": "1"}).command == "ping"
    with pytest.raises(BadEntryError, match="the command has schema version '2'; this version of maf reads '1'"):
        Command.parse({"schema_version": "2", "command": {"name": "ping"}})


@pytest.mark.parametrize(
    ("target", "lacks"),
    [
        *[({}, True), *(({"n": nothing}, True) for nothing in (None, "", "  ", [], {}))],
        *(({"n": something}, False) for something in (0, 0.0, False, "0", [0])),
    ],
)
def test_zero_and_false_are_values_to_decide_about(target, lacks):
    assert Command(command="run_arena", target=target).lacks("n") is lacks


@pytest.mark.parametrize(
    "more", [{"arena_id": "panel-1"}, {"target": {"arena_id": "panel-1"}}, {"target": {"command_id": "panel-1"}}]
)
def test_what_is_to_be_cancelled_can_be_named_in_several_places(more):
    assert Command(command="cancel_run", **more).run == "panel-1"
    assert Command(command="cancel_run", target={"arena_id": 7}).run == ""

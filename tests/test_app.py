"""From a command to an envelope, an action and answers, on the real streams."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from maf_core import PublisherSpec, publish, publish_once
from maf_core.control.inbox import ControlInbox
from maf_core.plane.commands import Command, send
from maf_core.plane.refusals import recent_refusals
from maf_core.streams import codec
from maf_core.streams.dead import find
from maf_core.streams.names import ACTIONS, CONTROL_IN, CONTROL_OUT, DEAD, DECISIONS, arena_output
from maf_core.streams.quiet import until_quiet
from maf_core.streams.raw import entries
from maf_core.streams.redrive import redrive
from maf_core.testing import running

SAYS = {"name": "a", "role": "speaker", "options": {"signal": "BULLISH", "confidence": 0.8}}
DEEP = json.loads('{"a":' * 20 + "0" + "}" * 20)
PHASES = [
    {"name": "look", "agents": [SAYS]},
    {"name": "decide", "agents": [{"name": "verdict", "role": "synthesis"}]},
]


async def payloads(redis, stream: str) -> list[dict]:
    return [codec.decode(fields) for _, fields in entries(await redis.xrange(stream))]


class Publisher:
    """Publishes the envelope of the arena `panel`."""

    def __init__(self, context) -> None:
        self.redis = context.redis

    async def publish(self, run) -> str:
        envelope = {"verdict": run.state["synthesis_verdict"], "correlation_id": run.correlation_id}
        return (await publish_once(self.redis, arena_output(run.arena.name), run.arena_id, envelope)).id


PUBLISHER = PublisherSpec(name="panel", arena="panel", factory=Publisher)


def wanted(**more) -> dict:
    command = Command(command="run_arena", arena="panel", target={"ticker": "AAPL"}, source="test")
    return command.model_dump(mode="json") | more


@pytest.fixture
def answered(redis, make_context, load, panel, speaker, brisk):
    """Put these payloads on the control stream while an inbox runs; gives all answers so far."""

    async def ask(*commands: dict, records=(PUBLISHER,), **arena) -> list[dict]:
        context = make_context(plugins=load(speaker, *records), arenas=[panel(*PHASES, **arena)])
        async with running(brisk(ControlInbox(context))):
            for command in commands:
                await publish(redis, CONTROL_IN, command)
            await until_quiet(redis)
        return await payloads(redis, CONTROL_OUT)

    return ask


async def test_a_command_becomes_a_run_an_envelope_an_action_and_two_answers(redis, answered):
    command = wanted(as_of="2024-03-01T21:00:00Z", action_mode="semi")
    answers = await answered(command)
    arena_id = f"panel-{command['command_id']}"
    assert [(a["command_id"], a["status"], a["arena_id"], a["error"]) for a in answers] == [
        (command["command_id"], "accepted", arena_id, None),
        (command["command_id"], "completed", arena_id, None),
    ]
    (envelope,) = await payloads(redis, arena_output("panel"))
    (action,) = await payloads(redis, ACTIONS)
    assert (action["arena_id"], action["verdict"], action["mode"]) == (arena_id, "BUY", "semi")
    assert action["target"]["ticker"] == "AAPL"
    assert action["target"]["trade_date"] == "2024-03-01"
    assert envelope == {"verdict": "BUY", "correlation_id": action["correlation_id"]}
    assert await redis.exists(DECISIONS) == 0


async def test_an_arena_about_something_else_makes_a_decision_and_no_action(redis, answered):
    answers = await answered(wanted(target={"pr_id": 7}), target_key="pr_id")
    assert answers[-1]["status"] == "completed"
    (decision,) = await payloads(redis, DECISIONS)
    assert (decision["target_key"], decision["target"]["pr_id"]) == ("pr_id", 7)
    assert await redis.exists(ACTIONS) == 0


async def test_the_same_command_twice_is_one_run(redis, answered):
    command = wanted()
    answers = await answered(command, command)
    assert sorted(answer["status"] for answer in answers) == ["accepted", "completed", "rejected"]
    assert len(await payloads(redis, ACTIONS)) == 1
    await redis.xgroup_setid(CONTROL_IN, "maf:control", "0")
    assert len(await answered()) == 3
    assert len(await payloads(redis, ACTIONS)) == 1
    assert len(await payloads(redis, arena_output("panel"))) == 1


async def test_the_one_that_came_late_is_told_where_the_answers_of_the_other_are(redis, answered):
    command = wanted()
    (refused,) = [answer for answer in await answered(command, command) if answer["status"] == "rejected"]
    both = {entry_id for entry_id, _ in entries(await redis.xrange(CONTROL_IN))}
    (taken,) = both - {(await recent_refusals(redis))[0]["entry_id"]}
    run = f"panel-{command['command_id']}"
    assert refused["error"].startswith("sent twice: ")
    assert refused["error"].endswith(f"its answers are those of the first, entry {taken}, run {run}")


async def test_a_command_sent_before_the_first_start_is_carried_out(redis, answered):
    await send(redis, Command.parse(wanted()))
    assert [answer["status"] for answer in await answered()] == ["accepted", "completed"]


async def test_several_commands_are_carried_out(redis, answered):
    commands = [wanted(command_id=uuid4().hex, target={"ticker": f"S{number}"}) for number in range(20)]
    await answered(*commands)
    tickers = [action["target"]["ticker"] for action in await payloads(redis, ACTIONS)]
    assert sorted(tickers) == sorted(f"S{number}" for number in range(20))


async def test_without_a_stated_moment_the_services_clock_says(redis, make_context, answered):
    await make_context().clock.hold(datetime(2012, 5, 18, 20, tzinfo=UTC))
    await answered(wanted(as_of=None))
    (action,) = await payloads(redis, ACTIONS)
    assert action["target"]["trade_date"] == "2012-05-18"
    assert action["meta"]["as_of"] == "2012-05-18T20:00:00+00:00"


async def test_a_ping_is_answered(redis, answered):
    (answer,) = await answered({"command": "ping", "command_id": "hello"})
    assert (answer["command_id"], answer["status"]) == ("hello", "completed")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"arena": "pannel"}, ["there is no arena 'pannel'", "panel"]),
        ({"arena": ""}, ["there is no arena ''"]),
        ({"command": "sell_everything"}, ["there is no command 'sell_everything'", "this version knows run_arena, "]),
        ({"command": "approve_action"}, ["approve_action needs the action_id"]),
        ({"command": None}, ["the command is not valid: command: "]),
        ({"target": {}}, ["the target of arena 'panel' needs 'ticker'"]),
        ({"target": {"ticker": ""}}, ["needs 'ticker'"]),
        ({"target": {"ticker": None}}, ["needs 'ticker'"]),
        ({"target": {"ticker": "AAPL", "note": "x" * 70_000}}, ["bytes; no more than 65536 are taken"]),
        ({"target": {"ticker": "AAPL", "deep": DEEP}}, ["target: it is nested more than 16 deep"]),
        ({"command": "cancel_run"}, ["cancel_run needs the arena_id of the run"]),
        ({"schema_version": "2"}, ["the command has schema version '2'"]),
        ({"target": {"question_id": 1}}, ["needs 'ticker'"]),
        ({"target": "AAPL"}, ["target: "]),
        ({"action_mode": "yolo"}, ["action_mode: "]),
        ({"as_of": "yesterday"}, ["as_of: "]),
    ],
)
async def test_a_command_that_cannot_be_carried_out_is_rejected_with_the_reason(redis, answered, changes, words):
    command = wanted(**changes)
    (answer,) = await answered(command)
    assert (answer["command_id"], answer["status"]) == (command["command_id"], "rejected")
    assert [word for word in words if word not in answer["error"]] == []
    assert await redis.exists(ACTIONS) == 0
    (noted,) = await recent_refusals(redis)
    assert (noted["command_id"], noted["reason"], noted["source"]) == (command["command_id"], answer["error"], "test")


@pytest.mark.parametrize("value", [0, False, 0.0])
async def test_zero_is_a_value_to_decide_about(redis, answered, value):
    answers = await answered(wanted(target={"level": value}), target_key="level")
    assert answers[-1]["status"] == "completed"
    assert (await payloads(redis, DECISIONS))[0]["target"]["level"] == value


async def test_a_command_without_an_id_is_rejected_under_its_entrys(redis, answered):
    (answer,) = await answered({"command": "nonsense"} | {"command_id": None})
    (entry_id, _), *_ = entries(await redis.xrange(CONTROL_IN))
    assert answer["command_id"] == entry_id


async def test_what_is_no_command_at_all_does_not_stop_the_inbox(redis, answered):
    await redis.xadd(CONTROL_IN, {"data": "{not json"})
    await redis.xadd(CONTROL_IN, {"data": "[]"})
    answers = await answered(wanted())
    assert sorted(answer["status"] for answer in answers) == ["accepted", "completed", "rejected", "rejected"]
    told = {answer["command_id"]: answer["error"] for answer in answers if answer["status"] == "rejected"}
    assert set(told) == {entry_id for entry_id, _ in entries(await redis.xrange(CONTROL_IN, count=2))}
    assert told == {letter["entry_id"]: letter["reason"] for letter in await payloads(redis, DEAD)}
    assert told == {noted["entry_id"]: noted["reason"] for noted in await recent_refusals(redis)}


async def test_a_run_that_fails_is_answered_so_and_still_gives_a_hold(redis, answered):
    answers = await answered(wanted(), limits={"max_phases": 1})
    assert answers[-1]["status"] == "failed"
    assert "limits.max_phases" in answers[-1]["error"]
    (action,) = await payloads(redis, ACTIONS)
    assert (action["verdict"], action["sizing"]["size_fraction"]) == ("HOLD", 0.0)
    assert "limits.max_phases" in action["meta"]["error"]


async def test_a_publisher_that_breaks_is_answered_as_failed(redis, answered):
    """Whoever asked must not wait for ever."""

    class Broken(Publisher):
        async def publish(self, run) -> str:
            raise ValueError("the envelope does not validate")

    answers = await answered(wanted(), records=[PublisherSpec(name="panel", arena="panel", factory=Broken)])
    assert [answer["status"] for answer in answers] == ["accepted", "failed"]
    assert "the envelope does not validate" in answers[-1]["error"]


async def test_a_command_that_died_can_be_carried_out_when_its_entry_is_re_driven(redis, answered):
    broken = [True]

    class Mended(Publisher):
        async def publish(self, run) -> str:
            if broken:
                raise ValueError("not yet")
            return await super().publish(run)

    records = [PublisherSpec(name="panel", arena="panel", factory=Mended)]
    await answered(wanted(), records=records)
    ((letter_id, _),) = entries(await redis.xrange(DEAD))
    broken.clear()
    assert (await redrive(redis, await find(redis, letter_id))).answer == "redriven"
    answers = await answered(records=records)
    assert [answer["status"] for answer in answers] == ["accepted", "failed", "accepted", "completed"]
    assert len(await payloads(redis, ACTIONS)) == 1

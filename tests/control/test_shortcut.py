"""The inbox of a process takes what a rule of that process sends in the same step; it is a command like any other."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from maf_core import publish
from maf_core.arenas.record import run_key
from maf_core.arenas.store import RUNS
from maf_core.control.inbox import GROUP, ControlInbox
from maf_core.plane.answers import Answers
from maf_core.plane.commands import Command, send
from maf_core.plane.triggers import TriggerDispatcher
from maf_core.streams import codec
from maf_core.streams.names import ACTIONS, CONTROL_IN, CONTROL_OUT
from maf_core.streams.quiet import until_quiet
from maf_core.streams.raw import entries
from maf_core.testing import running, wait_until

BARS = "test:bars"
RULE = {"id": "moved", "on_stream": BARS, "when": "payload.c > 10", "target": "{payload.symbol}"}


def bar(symbol: str = "AAPL") -> dict:
    return {"symbol": symbol, "c": 11.0, "as_of": "2024-03-01T12:00:00+00:00"}


@pytest.fixture
def began() -> list[str]:
    """The tickers whose runs have begun."""
    return []


@pytest.fixture
def may_end() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@pytest.fixture
def application(make_context, load, panel, role, began, may_end):
    """An application with one arena and one rule."""

    async def step(agent, state, context):
        began.append(context.request.target["ticker"])
        await may_end.wait()
        return {"synthesis_verdict": "BUY", "synthesis_confidence": 0.5}

    def make(rule: dict = RULE, **settings):
        arena = panel({"name": "look", "agents": [{"name": "a", "role": "step"}]}, triggers=[rule])
        return make_context(plugins=load(role("step", step)), arenas=[arena], **settings)

    return make


@pytest.fixture
def serving(redis, brisk):
    """Run the dispatcher and the inbox of an application, as a service does."""

    @asynccontextmanager
    async def run(context):
        async with running(brisk(TriggerDispatcher(context)), brisk(ControlInbox(context))):
            await wait_until(lambda: context.near.shortcut)
            yield

    return run


async def answers(redis) -> list[tuple[str, str]]:
    found = [codec.decode(fields) for _, fields in entries(await redis.xrange(CONTROL_OUT))]
    return [(answer["arena_id"].partition("-")[0], answer["status"]) for answer in found]


@pytest.mark.needs("one server")
async def test_it_is_sent_and_taken_in_one_step(redis, application, serving, began):
    context, said = application(), []
    async with serving(context):
        shortcut = context.near.shortcut

        async def listened_to(*command):
            said.append(await shortcut(*command))
            return said[-1]

        context.near.shortcut = listened_to
        for symbol in ("AAPL", "IBM"):  # by the second the inbox has begun to read
            await publish(redis, BARS, bar(symbol))
            await until_quiet(redis)
    assert said[1:] == ["fired"]


@pytest.mark.needs("one server")
async def test_while_targets_of_a_rule_cool_down_nothing_is_prepared_for_them(redis, application, serving):
    context, said = application({**RULE, "cooldown_s": 3600}), []
    async with serving(context):
        shortcut = context.near.shortcut

        async def listened_to(command, *more):
            said.append((command.target["ticker"], await shortcut(command, *more)))
            return said[-1][1]

        await publish(redis, BARS, bar("FIRST"))  # by the second the inbox has begun to read
        await until_quiet(redis)
        context.near.shortcut = listened_to
        for symbol in ("A", "A", "A", "A", "B", "C"):
            await publish(redis, BARS, bar(symbol))
            await until_quiet(redis)
    assert said == [("A", "fired"), ("A", "cooldown"), ("C", "fired")]


async def test_it_is_on_the_stream_claimed_answered_and_acknowledged(redis, application, serving, began):
    async with serving(application()):
        await publish(redis, BARS, bar())
        await wait_until(lambda: began)
        await until_quiet(redis)
    ((entry_id, fields),) = entries(await redis.xrange(CONTROL_IN))
    command = codec.decode(fields)
    claim = await Answers(redis).claim(command["command_id"])
    run = f"panel-{command['command_id']}"
    assert (claim.entry_id, claim.run, claim.over) == (entry_id, run, "completed")
    assert await answers(redis) == [("panel", "accepted"), ("panel", "completed")]
    assert (await redis.xpending(CONTROL_IN, GROUP))["pending"] == 0
    assert await redis.hget(run_key(run), "epoch") == b"1"
    assert [member.decode() for member in await redis.zrange(RUNS, 0, -1)] == [run]
    assert await redis.xlen(ACTIONS) == 1


async def test_many_at_once_run_once_each(redis, application, serving, began):
    async with serving(application(max_concurrent_runs=3)):
        for number in range(40):
            await publish(redis, BARS, bar(f"S{number}"))
        await wait_until(lambda: len(began) >= 40)
        await until_quiet(redis)
    assert sorted(began) == sorted(f"S{number}" for number in range(40))
    assert (await answers(redis)).count(("panel", "completed")) == 40
    assert (await redis.xpending(CONTROL_IN, GROUP))["pending"] == 0


async def test_without_a_place_it_waits_on_the_stream_where_others_find_it(redis, application, serving, began, may_end):
    may_end.clear()
    symbols = [f"S{number}" for number in range(6)]
    async with serving(application(max_concurrent_runs=3)):
        for symbol in symbols:
            await publish(redis, BARS, bar(symbol))
        await wait_until(lambda: len(began) == 3)
        async with serving(application()):
            await wait_until(lambda: sorted(began) == symbols)
            may_end.set()
            await until_quiet(redis)
    assert (await answers(redis)).count(("panel", "completed")) == 6


@pytest.mark.needs("one server")
async def test_one_that_waits_for_longer_comes_first(redis, application, brisk, began, may_end):
    """The group hands out the oldest, whoever has just sent which."""
    context = application(max_concurrent_runs=2)
    inbox = ControlInbox(context)
    await inbox.prepare()
    async with running(inbox, brisk(TriggerDispatcher(context))):
        await wait_until(lambda: context.near.shortcut)
        async with redis.pipeline(transaction=True) as pipeline:
            # Nobody reads in between, so that both wait.
            command = Command(command="run_arena", arena="panel", target={"ticker": "FIRST"}, source="test")
            pipeline.xadd(CONTROL_IN, codec.encode(command.model_dump(mode="json")))
            pipeline.xadd(BARS, codec.encode(bar("SECOND")))
            await pipeline.execute()
        await wait_until(lambda: len(began) == 2)
        await until_quiet(redis)
    assert sorted(began) == ["FIRST", "SECOND"]


async def test_an_entry_read_again_gives_no_second_run(redis, application, serving, began):
    async with serving(application()):
        await publish(redis, BARS, bar())
        await wait_until(lambda: began)
        await until_quiet(redis)
    await redis.xgroup_setid(BARS, "maf:triggers", "0")
    async with serving(application()):
        await publish(redis, BARS, bar("IBM"))
        await wait_until(lambda: len(began) > 1)
        await until_quiet(redis)
    assert began == ["AAPL", "IBM"]
    assert await redis.xlen(CONTROL_IN) == 2


async def test_a_target_that_cools_down_gives_no_run(redis, application, serving, began):
    async with serving(application({**RULE, "cooldown_s": 3600})):
        for symbol in ("AAPL", "AAPL", "IBM"):
            await publish(redis, BARS, bar(symbol))
        await wait_until(lambda: len(began) == 2)
        await until_quiet(redis)
    assert began == ["AAPL", "IBM"]
    assert await redis.zcard(RUNS) == 2


async def test_one_that_was_cancelled_before_it_was_sent_never_begins(redis, application, serving, began):
    context = application()
    sent = await _command_of(redis, context, bar())
    await Answers(redis).forestall(sent, "cancelled before it began")
    async with serving(context):
        await publish(redis, BARS, bar("IBM"))
        await wait_until(lambda: began)
        await until_quiet(redis)
    assert began == ["IBM"]
    assert await redis.exists(run_key(f"panel-{sent}")) == 0


async def _command_of(redis, context, payload: dict) -> str:
    """The id of the command that this entry will give, which was published while nobody ran."""
    from maf_core.plane.triggers import GROUP as RULES
    from maf_core.plane.triggers import compile_rules
    from maf_core.streams.consume import Entry

    await redis.xgroup_create(BARS, RULES, "0", mkstream=True)
    entry_id = await publish(redis, BARS, payload)
    ((rule,),) = compile_rules(context.arenas.values()).values()
    entry = Entry(BARS, entry_id, payload)
    return rule.command(entry, rule.known_at(payload)).command_id


async def test_a_run_that_somebody_has_begun_goes_on_from_there(redis, application, serving, began):
    context = application()
    sent = await _command_of(redis, context, bar())
    await send(redis, Command(command="run_arena", command_id=sent, arena="panel", target={"ticker": "AAPL"}))
    inbox = ControlInbox(context)
    await inbox.prepare()
    async with running(inbox):
        await wait_until(lambda: began)
        await until_quiet(redis)
        async with running(TriggerDispatcher(context)):
            await until_quiet(redis)
    assert began == ["AAPL"]
    assert (await answers(redis)).count(("panel", "completed")) == 1


async def test_what_does_not_suit_the_arena_is_refused_where_all_is_refused(redis, application, serving, began):
    async with serving(application({**RULE, "target": {"ticker": "{payload.symbol}"}})):
        await publish(redis, BARS, bar(" "))
        await publish(redis, BARS, bar("IBM"))
        await wait_until(lambda: began)
        await until_quiet(redis)
    assert began == ["IBM"]
    assert (await answers(redis)).count(("", "rejected")) == 1


async def test_an_inbox_that_has_ended_offers_nothing(application, serving):
    context = application()
    async with serving(context):
        assert context.near.shortcut is not None
    assert context.near.shortcut is None

"""`maf halt`, `reduce`, `resume`, `trading-state` and `maf actions`, as a person and a program see them."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from click.testing import CliRunner, Result

from maf_core.cli.person import who_asks
from maf_core.cli.root import cli
from maf_core.outbox.approvals import ApprovalClerk
from maf_core.outbox.ledger import POSITIONS
from maf_core.outbox.positions import PositionKeeper
from maf_core.outbox.trading import TRADING, read_trading
from maf_core.streams.names import APPROVALS
from maf_core.streams.quiet import until_quiet
from maf_core.testing import running


@pytest.fixture
def maf_here(redis_url):
    """Run `maf …` on the test's server, beside the test's own event loop."""

    async def run(*words: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, cli, [*words, "--redis", redis_url])

    return run


@pytest.fixture
def serving(make_context, load, brisk):
    """The workers that decide and count, for as long as the block runs."""

    def serve():
        context = make_context(plugins=load())
        return running(brisk(ApprovalClerk(context)), brisk(PositionKeeper(context)))

    return serve


@pytest.mark.parametrize(
    ("command", "state", "words"),
    [
        ("halt", "HALTED", "Nothing is bought or sold."),
        ("reduce", "REDUCING", "Only the SELL of what is held goes out."),
        ("resume", "ACTIVE", "Actions go out again"),
    ],
)
async def test_the_state_is_changed_with_nothing_running(redis, maf_here, command, state, words):
    done = await maf_here(command, "--why", "earnings week")
    assert done.exit_code == 0, done.output
    said = await read_trading(redis)
    assert (said.state, said.who, said.why) == (state, who_asks(), "earnings week")
    assert done.output.startswith(f"{state} since ")
    assert words in done.output


async def test_a_change_needs_a_reason(redis, maf_here):
    assert (await maf_here("halt")).exit_code == 2
    blank = await maf_here("halt", "--why", " ")
    assert blank.exit_code == 2
    assert "say why" in blank.output
    assert await redis.exists(TRADING) == 0


async def test_the_state_is_told_with_what_is_open(desk, action, maf_here):
    assert (await maf_here("trading-state")).output == (
        "ACTIVE\nExposure: 0.000 of 1.000. Open positions: 0. Waiting for approval: 0.\n"
    )
    office = desk()
    held = action()
    await office.submit(held, action(target={"ticker": "IBM"}, mode="semi"))
    await maf_here("halt", "--why", "fire", "--who", "anna")
    await maf_here("reduce", "--why", "fire is out", "--who", "ben")
    shown = (await maf_here("trading-state", "--history", "5")).output
    assert re.match(r"REDUCING since \S+ by ben: fire is out\nExposure: 0\.100 of 1\.000\. Open positions: 1\.", shown)
    assert "Waiting for approval: 1." in shown
    assert re.search(rf"AAPL +BUY +0\.100 +{held.arena_id}", shown)
    assert shown.rstrip().splitlines()[-1].endswith("by anna: fire")
    found = json.loads((await maf_here("trading-state", "--json")).output)
    assert (found["trading"]["state"], found["exposure"], found["pending"]) == ("REDUCING", 0.1, 1)


async def test_a_state_that_cannot_be_read_is_an_error_with_the_way_out(redis, maf_here):
    await redis.set(TRADING, "scribble")
    done = await maf_here("trading-state")
    assert done.exit_code == 1
    assert "Set it: maf halt, reduce or resume" in str(done.exception)
    assert (await maf_here("resume", "--why", "repaired")).exit_code == 0
    assert (await maf_here("trading-state")).exit_code == 0
    await redis.set(POSITIONS, "no hash")
    assert "The risk gate's books cannot be read" in str((await maf_here("trading-state")).exception)


async def test_what_waits_is_listed_shown_approved_and_rejected(desk, action, maf_here, serving):
    assert (await maf_here("actions", "list")).output == "Nothing waits for approval.\n"
    assert (await maf_here("actions", "list", "--last", "3")).output == "Nothing was decided yet.\n"
    office = desk()
    one, two = (action(mode="semi", target={"ticker": ticker}, reasoning="it looks good") for ticker in ("AAA", "BBB"))
    await office.submit(one, two)
    listed = (await maf_here("actions", "list")).output
    assert re.search(rf"{one.arena_id} +BUY AAA +0\.100 +0\.80 +pending_approval +expires ", listed)
    assert [found["action"]["arena_id"] for found in json.loads((await maf_here("actions", "list", "--json")).output)]
    shown = (await maf_here("actions", "show", one.arena_id)).output
    assert shown.startswith("pending_approval: BUY AAA, size 0.100\n")
    assert "it looks good" in shown
    assert re.search(r"mode +needs_approval +semi mode: a person approves", shown)
    async with serving():
        approved = await maf_here("actions", "approve", one.arena_id, "--who", "anna", "--why", "fine")
        rejected = await maf_here("actions", "reject", two.arena_id, "--who", "ben", "--why", "too late")
    assert approved.exit_code == rejected.exit_code == 0
    assert "approved by anna, for paper" in approved.output
    assert "rejected by ben: too late" in rejected.output
    shown = json.loads((await maf_here("actions", "show", one.arena_id, "--json")).output)
    assert (shown["status"], shown["approved_by"]) == ("approved", "anna")
    last = (await maf_here("actions", "list", "--last", "9")).output.splitlines()
    assert [re.split(" {2,}", line)[4] for line in last[1:]] == ["rejected", "approved"]
    assert last[1].endswith("approval: rejected by ben: too late")


async def test_as_json_it_is_safe_on_a_terminal(desk, action, maf_here):
    told = "\x9b31mgefährlich\x1b[2J"
    one = action(mode="semi", target={"ticker": "AAA"}, reasoning=told)
    await desk().submit(one)
    for words in (("list",), ("show", one.arena_id)):
        said = (await maf_here("actions", *words, "--json")).output
        assert said.isascii()
        assert told in said.encode().decode("unicode_escape")


async def test_what_cannot_be_decided_says_why_at_once(redis, desk, action, maf_here):
    one = action()
    await desk().submit(one)
    for words, reason in (
        (("approve", one.arena_id), "was approved by risk_gate already: it went out to paper."),
        (
            ("reject", "nobody", "--why", "no"),
            "No action nobody waits for anybody. See those that do: maf actions list",
        ),
        (("show", "nobody"), "No action nobody waits"),
        (("release", "nobody", "--why", "no"), "holds a position. See those that do: maf trading-state"),
    ):
        done = await maf_here("actions", *words)
        assert done.exception.exit_code == 2
        assert reason in str(done.exception)
    assert await redis.exists(APPROVALS) == 0


async def test_an_approval_that_the_gate_refuses_is_a_failure(desk, action, maf_here, serving):
    one = action(mode="semi")
    await desk().submit(one)
    await maf_here("halt", "--why", "fire")
    async with serving():
        done = await maf_here("actions", "approve", one.arena_id)
    assert done.exit_code == 1
    assert done.output.startswith("rejected: BUY AAPL")
    assert re.search(r"trading_state +failed +HALTED since ", done.output)


async def test_a_decision_without_a_service_is_kept(redis, desk, action, maf_here, serving):
    one = action(mode="semi")
    office = desk()
    await office.submit(one)
    done = await maf_here("actions", "approve", one.arena_id, "--timeout", "0.1")
    assert done.exception.exit_code == 1
    assert "No service has taken it up within 0.1 s. The decision is kept" in str(done.exception)
    async with serving():
        await until_quiet(redis)
    assert (await office.executions())[-1].status == "approved"


async def test_a_position_whose_engine_is_silent_is_released(redis, desk, action, maf_here, serving):
    office = desk()
    held = action()
    await office.submit(held)
    done = await maf_here("actions", "release", held.arena_id, "--why", "the engine was replaced")
    assert done.exit_code == 0
    async with serving():
        await until_quiet(redis)
    assert await office.open() == {}


async def test_the_commands_are_in_the_help():
    shown = CliRunner().invoke(cli, ["--help"]).output
    for name in ("actions", "halt", "reduce", "resume", "trading-state"):
        assert re.search(rf"^  {name} +\S", shown, re.MULTILINE)

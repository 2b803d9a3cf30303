"""`cancel_run`: whatever the run has come to, somebody is told, and nothing of it goes out."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from maf_core import publish
from maf_core.control.inbox import ControlInbox
from maf_core.plane.commands import Command, send
from maf_core.plane.refusals import recent_refusals
from maf_core.streams.names import ACTIONS, CONTROL_IN
from maf_core.testing import running, wait_until


@pytest.fixture
def gone() -> set[str]:
    """The tickers that need not wait."""
    return set()


@pytest.fixture
def inbox(make_context, load, panel, role, gone, brisk):
    """An inbox whose runs wait; gives those that have begun."""

    @asynccontextmanager
    async def serve(places: int = 2, **limits):
        began: list[str] = []

        async def step(agent, state, context):
            began.append(context.request.arena_id)
            await wait_until(lambda: context.request.target["ticker"] in gone, 60)
            return {"synthesis_verdict": "BUY"}

        arena = panel({"name": "look", "agents": [{"name": "a", "role": "step"}]}, limits=limits)
        context = make_context(plugins=load(role("step", step)), arenas=[arena], max_concurrent_runs=places)
        async with running(brisk(ControlInbox(context))):
            try:
                yield began
            finally:
                gone.update(f"S{number}" for number in range(20))

    return serve


@pytest.fixture
def run(ask):
    """Ask for a run about the ticker S<number>; gives the command's id."""

    async def put(number: int = 0, **more) -> str:
        return await ask(command="run_arena", arena="panel", target={"ticker": f"S{number}"}, **more)

    return put


@pytest.mark.parametrize("named", ["panel-{}", "{}"])
async def test_a_run_ends_and_both_commands_are_answered(redis, inbox, run, ask, answer, named):
    async with inbox() as began:
        command_id = await run()
        await wait_until(lambda: began)
        cancelling = await ask(command="cancel_run", arena_id=named.format(command_id), who="anna", why="too late")
        cancelled, ended = await answer(cancelling), await answer(command_id)
    assert (cancelled["status"], cancelled["arena_id"]) == ("completed", f"panel-{command_id}")
    assert (ended["status"], ended["arena_id"]) == ("failed", f"panel-{command_id}")
    assert ended["error"] == f"the run was cancelled: by anna: too late (command {cancelling})"
    assert await redis.xlen(ACTIONS) == 0


async def test_one_that_is_over_cannot_be_cancelled(redis, inbox, run, ask, answer, gone):
    gone.add("S0")
    async with inbox():
        command_id = await run()
        assert (await answer(command_id))["status"] == "completed"
        refused = await answer(await ask(command="cancel_run", arena_id=command_id))
    assert refused["status"] == "rejected"
    assert refused["error"] == f"The run panel-{command_id} is over: it was completed before."
    assert (await recent_refusals(redis))[0]["reason"] == refused["error"]


async def test_one_that_nobody_knows_cannot_be_cancelled(inbox, ask, answer):
    async with inbox():
        refused = await answer(await ask(command="cancel_run", arena_id="panel-unknown"))
    assert (refused["status"], refused["error"][:33]) == ("rejected", "There is no run 'panel-unknown'. ")


async def test_one_that_no_rule_sent_because_its_target_was_cooling_down_is_not_known(redis, inbox, ask, answer):
    await redis.set("maf:{maf:control:in}:once:cooled", "cooldown")
    async with inbox():
        assert (await answer(await ask(command="cancel_run", arena_id="cooled")))["status"] == "rejected"


async def test_all_places_taken_a_cancel_goes_through_and_what_waited_begins(inbox, run, ask, answer, gone):
    async with inbox(places=2) as began:
        ids = [await run(number) for number in range(5)]
        await wait_until(lambda: len(began) == 2)
        assert (await answer(await ask(command="ping")))["status"] == "completed"
        await answer(await ask(command="cancel_run", arena_id=ids[0]))
        await wait_until(lambda: len(began) == 3)
        assert began[2] == f"panel-{ids[2]}"
        refused = await answer(await ask(command="approve_action", action_id="panel-nobody"))
        assert (refused["status"], refused["error"][:32]) == ("rejected", "No action panel-nobody waits for")


async def test_what_was_done_ahead_of_its_turn_is_not_done_again(redis, inbox, run, ask, answer, gone):
    async with inbox(places=1) as began:
        ids = [await run(number) for number in range(3)]
        await wait_until(lambda: began)
        quick = [await ask(command="ping"), await ask(command="reload_config")]
        for command_id in quick:
            assert (await answer(command_id))["status"] == "completed"
        gone.update({"S0", "S1", "S2"})
        for command_id in ids:
            assert (await answer(command_id))["status"] == "completed"
        assert (await answer(await ask(command="ping")))["status"] == "completed"
    assert await redis.get("maf:{maf:control:out}:revision") == b"1"


async def test_a_command_that_waits_on_the_stream_never_begins(redis, inbox, ask, answer, run, gone):
    async with inbox(places=1) as began:
        first = await run(0)
        await wait_until(lambda: began)
        waiting = await send(redis, Command(command="run_arena", arena="panel", target={"ticker": "S1"}))
        cancelled = await answer(await ask(command="cancel_run", arena_id=waiting))
        assert cancelled["status"] == "completed"
        assert "the run was cancelled before it began" in (await answer(waiting))["error"]
        gone.update({"S0", "S2"})
        assert (await answer(first))["status"] == "completed"
        assert (await answer(await run(2)))["status"] == "completed"
        assert f"panel-{waiting}" not in began
        assert await redis.xlen(ACTIONS) == 2


async def test_one_that_was_accepted_and_waits_for_its_arenas_place_never_begins(inbox, ask, answer, run, gone):
    async with inbox(places=4, max_runs_at_once=1) as began:
        first = await run(0)
        await wait_until(lambda: began)
        second = await run(1)
        cancelled = await answer(await ask(command="cancel_run", arena_id=f"panel-{second}"))
        assert cancelled["status"] == "completed"  # the place is still taken
        assert (await answer(second))["status"] == "failed"
        gone.add("S0")
        assert (await answer(first))["status"] == "completed"
        assert began == [f"panel-{first}"]


async def test_a_cancel_that_was_cut_short_says_what_it_did(redis, inbox, run, answer):
    """The entry is delivered again after the run was cancelled and before anybody was told."""
    async with inbox() as began:
        command_id = await run()
        await wait_until(lambda: began)
        command = Command(command="cancel_run", arena_id=command_id, source="test")
        await publish(redis, CONTROL_IN, command.model_dump(mode="json"))
        assert (await answer(command.command_id))["status"] == "completed"
        await redis.delete(f"maf:{{maf:control:out}}:taken:{command.command_id}", "maf:control:out")
        await publish(redis, CONTROL_IN, command.model_dump(mode="json"))
        assert (await answer(command.command_id))["status"] == "completed"

"""MiroFish is restarted in the middle: tasks and processes are gone, files stay."""

from __future__ import annotations

import asyncio

import pytest

from maf_core.testing import wait_until

G, S, R = "/api/graph", "/api/simulation", "/api/report"
# Where it happens, and what then has to be paid for once more.
POLLS = {
    f"GET {G}/task/*": {"build"},
    f"POST {S}/prepare/status": {"prepare"},
    f"GET {S}/*/run-status": {"run"},
    f"POST {R}/generate/status": {"report"},
    f"POST {S}/interview/batch": set(),
}


@pytest.mark.parametrize("route", POLLS)
async def test_what_was_at_work_is_done_again_and_nothing_else(
    simulating, put, outcome, emitted, spent, mirofish, route
):
    for kind in mirofish.world.seconds:
        mirofish.world.seconds[kind] = 0.1
    mirofish.when(route, lambda: _once(mirofish, route))
    async with simulating(stall_s=1):
        await put()
        found = await outcome()
    assert found["status"] == "completed"
    assert await emitted() == [found]
    assert await spent() == 1
    assert {what for what, count in mirofish.paid.items() if count > 1} - {"interview"} == POLLS[route]


def _once(mirofish, route: str) -> None:
    working = any(task.row["status"] == "processing" for task in mirofish.world.tasks.values())
    if (working or mirofish.world.processes) and len(mirofish.asked("RESTART")) == 0:
        mirofish.calls.append(type(mirofish.calls[0])("RESTART", "", {}))
        mirofish.restart()


async def test_work_that_ended_before_the_restart_is_not_done_again(simulating, put, outcome, mirofish):
    """Its task is forgotten; the project, the simulation and the report themselves say that they are ready."""
    for kind in ("build", "prepare", "report"):
        mirofish.world.seconds[kind] = 0.0

    def end_and_restart() -> None:
        mirofish.world.settle()
        mirofish.world.tasks.clear()

    for route in (f"POST {G}/build", f"POST {S}/prepare", f"POST {R}/generate"):
        mirofish.when(route, end_and_restart)
    async with simulating():
        await put()
        assert (await outcome())["status"] == "completed"
    assert {what for what, count in mirofish.paid.items() if count > 1} == {"interview"}
    assert mirofish.asked(f"GET {G}/task/*")


@pytest.mark.parametrize(
    ("route", "table", "paid"),
    [
        (f"GET {G}/task/*", "projects", {"ontology", "build"}),
        (f"POST {S}/prepare/status", "simulations", {"prepare"}),
        (f"POST {R}/generate/status", "reports", {"report"}),
    ],
)
async def test_an_object_that_vanished_is_made_anew(simulating, put, outcome, spent, mirofish, route, table, paid):
    def vanish() -> None:
        if mirofish.asked("VANISHED") == []:
            mirofish.calls.append(type(mirofish.calls[0])("VANISHED", "", {}))
            getattr(mirofish.world, table).clear()

    mirofish.when(route, vanish)
    async with simulating():
        await put()
        assert (await outcome())["status"] == "completed"
    assert await spent() == 1
    assert {what for what, count in mirofish.paid.items() if count > 1} - {"interview"} <= paid


async def test_a_simulation_somebody_stopped_is_prepared_and_started_again(simulating, put, outcome, mirofish):
    mirofish.trouble("run_stopped", times=1)
    async with simulating():
        await put()
        assert (await outcome())["status"] == "completed"
    assert mirofish.paid["prepare"] == mirofish.paid["run"] == 2
    assert mirofish.paid["build"] == 1


async def test_reports_wait_while_mirofish_is_away(simulating, put, outcome, spent, mirofish, redis):
    mirofish.stop()
    async with simulating(daily_budget=1):
        await put()
        await wait_until(lambda: redis.hget("maf:refresher:mirofish:totals", "accepted"))
        await asyncio.sleep(0.1)
        assert await spent() == 0
        mirofish.start()
        assert (await outcome())["status"] == "completed"


async def test_mirofish_going_away_in_the_middle_costs_no_attempt(simulating, put, outcome, mirofish):
    mirofish.world.seconds["run"] = 0.3
    async with simulating(attempts=1, poll_errors=10_000):
        await put()
        await wait_until(lambda: len(mirofish.asked(f"GET {S}/*/run-status")) > 2)
        await asyncio.to_thread(mirofish.stop)
        await asyncio.sleep(0.2)
        mirofish.start()
        assert (await outcome())["status"] == "completed"
    assert mirofish.paid["run"] == 1

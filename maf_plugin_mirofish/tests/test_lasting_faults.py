"""What stays broken ends in a failure that is reported and refunded: never in a hang, a leaked budget or a lie."""

from __future__ import annotations

import pytest

from maf_core.testing import wait_until
from maf_plugin_mirofish.store import failure_key
from maf_plugin_mirofish.testing import Fault
from maf_plugin_mirofish.testing.talk import line, mute

G, S, R = "/api/graph", "/api/simulation", "/api/report"
ATTEMPTS = 2
PATIENCE = {"ask": ["agents"], "attempts": ATTEMPTS, "ontology_timeout_s": 0.2, "stall_s": 0.4}
ROUTES = {
    f"POST {G}/ontology/generate": "graph",
    f"GET {G}/project/*": "graph",
    f"POST {G}/build": "graph",
    f"POST {S}/create": "environment",
    f"POST {S}/prepare": "environment",
    f"POST {S}/start": "simulation",
    f"GET {S}/*/run-status": "simulation",
    f"POST {R}/generate": "report",
    f"POST {R}/generate/status": "report",
    f"GET {R}/*": "report",
    f"GET {S}/*/config": "opinion",
    f"POST {S}/interview/batch": "opinion",
}
FAULTS = {"traceback": Fault.traceback(), "refused": Fault.refused(200), "reset": Fault.reset()}
TROUBLES = {
    "ontology_failed": "graph",
    "build_failed": "graph",
    "build_stuck": "graph",
    "prepare_failed": "environment",
    "prepare_stuck": "environment",
    "no_entities": "environment",
    "run_failed": "simulation",
    "run_stuck": "simulation",
    "run_stopped": "simulation",
    "report_failed": "report",
    "report_stuck": "report",
    "env_dead": "opinion",
}


@pytest.fixture
def failing(simulating, put, outcome, emitted, spent, mirofish, redis):
    """Simulate a report that must fail; gives its outcome."""

    async def run(**settings):
        async with simulating(**{**PATIENCE, **settings}):
            await put()
            found = await outcome()
            await wait_until(lambda: redis.hget("maf:refresher:mirofish:totals", "failed"))
        assert (found["status"], found["refunded"]) == ("failed", True), found
        assert found["reason"]
        assert await emitted() == []
        assert await spent() == 0
        assert await redis.exists(failure_key("AAPL"))
        assert mirofish.world.processes == {}
        return found

    return run


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("route", ROUTES)
async def test_a_route_that_stays_broken(failing, mirofish, route, fault):
    mirofish.fail(route, FAULTS[fault], times=None)
    found = await failing()
    assert found["stage"] == ROUTES[route]
    assert max(mirofish.paid.get(what, 0) for what in ("run", "report", "prepare", "ontology")) <= ATTEMPTS


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_work_that_never_comes_to_an_end(failing, mirofish, trouble):
    mirofish.trouble(trouble)
    found = await failing()
    assert found["stage"] == TROUBLES[trouble]
    assert max(mirofish.paid.values()) <= ATTEMPTS


async def test_a_task_that_cannot_be_looked_up_is_no_loss(simulating, put, outcome, mirofish):
    """The project itself says when its graph is built."""
    mirofish.fail(f"GET {G}/task/*", Fault.traceback(), times=None)
    async with simulating():
        await put()
        assert (await outcome())["status"] == "completed"
    assert mirofish.paid["build"] == 1


async def test_a_hang_ends_at_the_deadline(failing, mirofish):
    mirofish.trouble("run_endless")
    found = await failing(deadline_s=2, stall_s=60)
    assert (found["stage"], "deadline_s" in found["reason"]) == ("simulation", True)
    assert mirofish.asked(f"POST {S}/stop")


async def test_nobody_in_the_graph_is_not_tried_again(failing, mirofish):
    mirofish.trouble("no_entities")
    found = await failing()
    assert mirofish.paid["prepare"] == 1
    assert "names nobody" in found["reason"]


@pytest.mark.parametrize(
    "said",
    [
        "",
        "Up, I am sure.",
        "{}",
        line(probability=float("nan")),
        line(probability="likely"),
        line(probability=70),
        line(probability=0.3),
        line(direction="FLAT"),
        line(hours=240),
    ],
)
async def test_no_number_is_a_failure_and_never_one_half(failing, mirofish, said):
    mirofish.says(lambda who, prompt: said)
    found = await failing(attempts=1)
    assert found["stage"] == "opinion"
    assert "prob_up" not in found


async def test_agents_without_a_number_leave_it_to_the_author(simulating, put, outcome, mirofish):
    mirofish.says(lambda who, prompt: mute(who, prompt) if who >= 0 else line("DOWN", 0.9))
    async with simulating():
        await put()
        found = await outcome()
    assert (found["asked_of"], found["answered"], found["agents_asked"]) == ("report", 1, 1)
    assert found["prob_up"] == pytest.approx(0.1)


async def test_those_without_a_number_abstain(simulating, put, outcome, mirofish):
    mirofish.says(lambda who, prompt: line(probability=0.9) if who == 3 else mute(who, prompt))
    async with simulating():
        await put()
        found = await outcome()
    assert (found["agents_asked"], found["answered"], found["prob_up"]) == (8, 1, 0.9)


async def test_an_interview_that_takes_too_long_keeps_what_was_said(simulating, put, outcome, mirofish):
    mirofish.trouble("interview_timeout", times=1)
    async with simulating():
        await put()
        found = await outcome()
    assert (found["asked_of"], found["agents_asked"], found["answered"]) == ("agents", 8, 4)

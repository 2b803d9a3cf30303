"""One fault in any answer of any stage is survived: there is one result, and it is the right one."""

from __future__ import annotations

import pytest

from maf_plugin_mirofish.testing import Fault

G, S, R = "/api/graph", "/api/simulation", "/api/report"
ROUTES = {
    "graph": [f"POST {G}/ontology/generate", f"GET {G}/project/*", f"POST {G}/build", f"GET {G}/task/*"],
    "environment": [
        f"GET {S}/list",
        f"POST {S}/create",
        f"GET {S}/*",
        f"POST {S}/prepare",
        f"POST {S}/prepare/status",
    ],
    "simulation": [f"POST {S}/start", f"GET {S}/*/run-status"],
    "report": [f"GET {R}/check/*", f"POST {R}/generate", f"POST {R}/generate/status", f"GET {R}/*"],
    "opinion": [f"GET {S}/*/config", f"POST {S}/interview/batch"],
}
FAULTS = {
    "500 html": Fault.html(500),
    "413 html": Fault.html(413),
    "traceback": Fault.traceback(),
    "refused with 200": Fault.refused(200),
    "refused with 400": Fault.refused(400),
    "forgotten": Fault.refused(404),
    "reset before": Fault.reset(),
    "reset after": Fault.reset(after=True),
    "hang": Fault.hang(30.0),
    "wrong types": Fault.wrong_types(),
    "half a text": Fault.garbage(),
    "too long": Fault.huge(2000),
    "restarted": Fault.restarted(),
}
# Work whose answer was lost goes on in there: it is found again, and not paid for a second time.
LOST = ("reset after", "hang")


# The calls that cost most, one of each stage; all others take a minute together.
QUICK = ("graph/build", "prepare", "start", "report/generate", "interview/batch")


def routes() -> list:
    every = [route for routes in ROUTES.values() for route in routes]
    quick = [route for route in every if route.startswith("POST") and route.endswith(QUICK)]
    return [pytest.param(route, marks=() if route in quick else pytest.mark.slow) for route in every]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("route", routes())
async def test_one_fault_is_survived(simulating, put, outcome, emitted, spent, mirofish, route, fault):
    mirofish.fail(route, FAULTS[fault])
    impatient = dict.fromkeys(("timeout_s", "prepare_timeout_s", "interview_timeout_s"), 0.2) if fault == "hang" else {}
    async with simulating(max_answer_bytes=8000, attempts=6, **impatient):
        await put()
        found = await outcome()
    assert found["status"] == "completed", found
    assert await emitted() == [found]
    assert await spent() == 1
    assert found["asked_of"] == "report" or found["prob_up"] == pytest.approx(0.705)
    assert mirofish.world.processes == {}
    if fault in LOST:
        assert {what: count for what, count in mirofish.paid.items() if count > 1 and what != "interview"} == {}

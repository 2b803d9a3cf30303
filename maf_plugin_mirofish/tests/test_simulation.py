"""The whole way of a report, end to end: what is asked of MiroFish, and what comes out of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic_core import from_json

from maf_core.testing import wait_until
from maf_plugin_mirofish.store import HEARTBEAT
from maf_plugin_mirofish.testing.talk import line

G, S, R = "/api/graph", "/api/simulation", "/api/report"


async def test_a_report_becomes_a_probability(simulating, put, outcome, emitted, mirofish, spent):
    before = datetime.now(UTC)
    async with simulating(agents_sample=4):
        await put()
        found = await outcome()
    said = [0.6 + 0.03 * call["agent_id"] for call in mirofish.asked(f"POST {S}/interview/batch")[0].body["interviews"]]
    assert found["prob_up"] == pytest.approx(sum(said) / 4)
    assert (found["direction"], found["probability"]) == ("UP", found["prob_up"])
    assert (found["status"], found["report_id"], found["symbol"], found["symbols"]) == (
        "completed",
        "r1",
        "AAPL",
        ["AAPL"],
    )
    assert (found["agents_asked"], found["answered"], found["asked_of"]) == (4, 4, "agents")
    assert 0 < found["dispersion"] < 0.2
    assert (found["dissent_pct"], found["drivers"], found["horizon_hours"]) == (0, ["earnings"], 24)
    assert (found["calibrated"], found["title"]) == (False, "预测报告")
    assert found["simulation_id"].startswith("sim_")
    assert found["mirofish_report_id"].startswith("report_")
    moments = [datetime.fromisoformat(found[name]) for name in ("started_at", "finished_at")]
    assert before <= moments[0] < moments[1]
    assert await emitted() == [found]
    assert await spent() == 1


async def test_every_request_is_as_the_tables_say(simulating, put, outcome, mirofish):
    async with simulating(max_rounds=7):
        await put(title="Strong\nquarter", body="Sales rose by a third. 销售额增长")
        await outcome()
    order = list(dict.fromkeys(call.route for call in mirofish.calls if call.route != "GET /health"))
    assert [name for name in order if name.startswith("POST")] == [
        f"POST {G}/ontology/generate",
        f"POST {G}/build",
        f"POST {S}/create",
        f"POST {S}/prepare/status",
        f"POST {S}/prepare",
        f"POST {S}/start",
        f"POST {R}/generate",
        f"POST {R}/generate/status",
        f"POST {S}/interview/batch",
        f"POST {S}/close-env",
    ]
    (ontology,) = mirofish.asked(f"POST {G}/ontology/generate")
    ((name, text),) = ontology.files
    assert (name, text) == ("report.md", "# Strong quarter\n\nSales rose by a third. 销售额增长")
    assert "AAPL" in ontology.body["simulation_requirement"]
    project_id = mirofish.asked(f"POST {G}/build")[0].body["project_id"]
    assert mirofish.world.projects[project_id]["name"] == ontology.body["project_name"]
    (start,) = mirofish.asked(f"POST {S}/start")
    assert {key: start.body[key] for key in ("platform", "max_rounds", "force")} == {
        "platform": "parallel",
        "max_rounds": 7,
        "force": False,
    }
    for poll in mirofish.asked(f"POST {R}/generate/status"):
        assert list(poll.body) == ["task_id"]
    (batch,) = mirofish.asked(f"POST {S}/interview/batch")
    assert {one["platform"] for one in batch.body["interviews"]} == {batch.body["platform"]} == {"reddit"}
    assert mirofish.world.processes == {}


async def test_each_thing_is_paid_for_once(simulating, put, outcome, mirofish):
    async with simulating(agents_sample=3):
        await put()
        await outcome()
    assert mirofish.paid == {"ontology": 1, "build": 1, "prepare": 1, "run": 1, "report": 1, "interview": 3}


async def test_a_report_that_comes_again_is_simulated_once(simulating, put, outcome, emitted, mirofish):
    async with simulating():
        await put()
        await put()
        await outcome()
        await put()
        await put("r2")
        await outcome("r2")
    assert [found["report_id"] for found in await emitted()] == ["r1", "r2"]
    assert mirofish.paid["run"] == 2


async def test_two_workers_share_the_reports(simulating, put, outcome, emitted, mirofish):
    async with simulating(workers=2, max_concurrent=3):
        for number in range(6):
            await put(f"r{number}")
        for number in range(6):
            await outcome(f"r{number}")
    assert sorted(found["report_id"] for found in await emitted()) == [f"r{number}" for number in range(6)]
    assert mirofish.paid["run"] == 6


async def test_reports_about_nobody_watched_cost_nothing(simulating, put, outcome, mirofish, redis):
    async with simulating():
        await put("r1", symbols=["IBM"])
        await put("r2", symbols=[])
        await put("r3", symbols=["IBM", "MSFT", "AAPL"])
        found = await outcome("r3")
    assert (found["symbol"], found["symbols"]) == ("MSFT", ["MSFT", "AAPL"])
    assert await redis.keys("mirofish:sim:*") == [b"mirofish:sim:r3"]
    assert mirofish.paid["ontology"] == 1


async def test_an_author_is_asked_where_the_settings_say_so(simulating, put, outcome, mirofish):
    mirofish.says(lambda who, prompt: line("DOWN", "80%", drivers="debt"))
    async with simulating(ask=["report"]):
        await put()
        found = await outcome()
    assert (found["direction"], found["asked_of"], found["agents_asked"]) == ("DOWN", "report", 1)
    assert (found["prob_up"], found["probability"]) == (pytest.approx(0.2), pytest.approx(0.8))
    assert (found["dispersion"], found["drivers"]) == (None, ["debt"])
    assert "interview" not in mirofish.paid


async def test_another_horizon_is_asked_about(simulating, put, outcome):
    async with simulating(horizon_hours=72):
        await put()
        found = await outcome()
    assert (found["horizon_hours"], found["answered"]) == (72, 8)


async def test_old_reports_are_left_alone(simulating, put, outcome, redis):
    async with simulating(max_age_s=3600):
        await put("old", created_at="2024-01-02T00:00:00Z")
        await put("new")
        await outcome("new")
    assert not await redis.exists("mirofish:sim:old")


async def test_the_clock_of_a_replay_counts(simulating, put, outcome, clock):
    async with simulating():
        await put(created_at=clock.now.isoformat())
        found = await outcome()
    assert datetime.fromisoformat(found["as_of"]) == clock.now


async def test_the_heartbeat_tells_and_ends_with_the_worker(simulating, redis):
    async with simulating(daily_budget=4):
        beat = from_json(await wait_until(lambda: redis.get(HEARTBEAT)))
        assert (beat["reports_stream"], beat["daily_budget"]) == ("fomo2:reports", 4)
        assert datetime.fromisoformat(beat["ts"]).tzinfo is not None
        assert 290 < await redis.ttl(HEARTBEAT) <= 300
    assert not await redis.exists(HEARTBEAT)


@pytest.mark.parametrize("off", [{"url": None}, {"daily_budget": 0}])
async def test_off_means_off(simulating, put, redis, mirofish, off):
    async with simulating(**off):
        await put()
    assert await redis.keys("*mirofish*") == []
    assert mirofish.calls == []

"""What the dashboard's own routes say about a running application."""

from __future__ import annotations

import asyncio

import pytest

from maf_core import RefresherSpec, Worker, WorkerSpec, publish
from maf_core.dashboard.routers import system
from maf_core.dashboard.status import look
from maf_core.service import Service
from maf_core.testing import wait_until


class Idle(Worker):
    """Waits for the end."""

    def __init__(self, context):
        pass

    async def run(self, stop):
        await stop.wait()


@pytest.fixture
def context(make_context, load):
    plugins = load(
        WorkerSpec(name="mine", factory=Idle),
        WorkerSpec(name="kronos", factory=Idle),
        RefresherSpec(name="kronos", factory=Idle),
    )
    return make_context(plugins=plugins)


async def get(asked, app, path: str):
    async with asked(app) as client:
        answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def workers(status: dict) -> dict[tuple[str, str], dict]:
    return {(worker["kind"], worker["name"]): worker for worker in status["workers"]}


async def test_without_a_service_no_worker_runs(context, dashboard, asked):
    status = await get(asked, dashboard(context=context), "/api/system/status")
    assert status["redis"]["status"] == "ok"
    assert status["redis"]["ms"] > 0
    assert status["services"] == []
    assert {worker["status"] for worker in status["workers"]} == {"not running"}
    assert {("worker", "control"), ("worker", "mine"), ("refresher", "kronos")} <= set(workers(status))


async def test_the_workers_of_a_service_run_and_name_it(context):
    stop = asyncio.Event()
    service = asyncio.create_task(Service(context).run(stop))

    async def running():
        found = await look(context)
        return found if found["services"] else None

    status = await wait_until(running)
    stop.set()
    await service
    (alive,) = status["services"]
    assert 0 <= alive["age_s"] < 5
    assert alive["arenas"] == []
    for worker in workers(status).values():
        assert (worker["status"], worker["services"], worker["restarts"]) == ("ok", [alive["name"]], 0)
    assert (await look(context))["services"] == []


async def test_restarts_and_heartbeats_are_shown_and_nonsense_is_not(context, redis):
    beat = '{"ts": "2024-01-02T21:00:00Z", "workers": ["mine"], "restarts": {"mine": 3}}'
    await redis.set("maf:service:a-1", beat)
    await redis.set("maf:service:b-2", '{"workers": ["mine", "kronos (refresher)"], "restarts": {"mine": 4}}')
    await redis.set("maf:service:c-3", "nonsense")
    await redis.xadd("maf:service:d-4", {"data": "{}"})
    await redis.set("maf:refresher:kronos:heartbeat", '{"ts": "2024-01-02T21:00:00Z", "watched": 2}')
    status = await look(context)
    assert [service["name"] for service in status["services"]] == ["a-1", "b-2"]
    assert [service["age_s"] is None for service in status["services"]] == [False, True]
    found = workers(status)
    assert (found["worker", "mine"]["services"], found["worker", "mine"]["restarts"]) == (["a-1", "b-2"], 7)
    assert (found["worker", "kronos"]["status"], found["refresher", "kronos"]["status"]) == ("not running", "ok")
    assert found["refresher", "kronos"]["heartbeat"]["watched"] == 2
    assert found["refresher", "kronos"]["heartbeat"]["age_s"] > 0


async def test_the_status_is_looked_up_once_in_a_while_however_many_ask(context, dashboard, asked, redis, monkeypatch):
    app = dashboard(context=context)
    async with asked(app) as client:
        answers = await asyncio.gather(*(client.get("/api/system/status") for _ in range(20)))
        assert len({answer.json()["ts"] for answer in answers}) == 1
        await redis.set("maf:service:a-1", '{"workers": []}')
        assert (await client.get("/api/system/status")).json()["services"] == []
    monkeypatch.setattr(system, "CACHED_SECONDS", 0.0)
    async with asked(dashboard(context=context)) as client:
        first = (await client.get("/api/system/status")).json()
        assert first["services"] != []
        assert (await client.get("/api/system/status")).json()["ts"] != first["ts"]


async def test_the_plugins_with_what_they_give(context, dashboard, asked):
    rows = {row["name"]: row for row in await get(asked, dashboard(context=context), "/api/modules")}
    assert rows["made"]["status"] == "ok"
    assert rows["made"]["contributions"] == {"refreshers": ["kronos"], "workers": ["mine", "kronos"]}
    assert "synthesis" in rows["core"]["contributions"]["agents"]


async def test_the_channels_with_their_length(context, dashboard, asked, redis):
    await publish(redis, "maf:events", {"kind": "system.status"})
    found = {row["stream"]: row for row in await get(asked, dashboard(context=context), "/api/channels")}
    assert found["maf:events"]["length"] == 1
    assert 0 <= found["maf:events"]["age_s"] < 5
    assert found["maf:outcomes:out"]["last_id"] is None


async def test_it_is_ready_while_the_server_answers(context, dashboard, asked):
    assert await get(asked, dashboard(context=context), "/readyz") == {"status": "ok"}

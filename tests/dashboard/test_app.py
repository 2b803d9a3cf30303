"""The dashboard's application: its routes are there before anything runs, and errors are problem details."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from fastapi import APIRouter, Depends, HTTPException
from fastapi.testclient import TestClient
from redis.asyncio import Redis
from starlette.exceptions import HTTPException as StarletteHTTPException
from structlog.testing import capture_logs

from maf_core import AppContext, DashboardRouterSpec
from maf_core.dashboard import app as module
from maf_core.dashboard.app import create_app
from maf_core.dashboard.state import attach, get_maf_app


def router(path: str, handler, method: str = "GET"):
    """A router with one route."""

    def make() -> APIRouter:
        made = APIRouter()
        made.add_api_route(path, handler, methods=[method])
        return made

    return make


def members(answer: httpx.Response) -> dict:
    """A problem's members, after it was seen to be one."""
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert found["status"] == answer.status_code
    assert found["type"] == "about:blank"
    assert found["title"]
    assert found["detail"]
    assert found["instance"] == answer.request.url.path
    return found


def test_the_routes_are_there_without_anything_running():
    client = TestClient(module.app)
    assert client.get("/healthz").json() == {"status": "ok"}
    for path in ("/readyz", "/api/system/status", "/api/modules", "/api/channels"):
        assert "maf dashboard" in members(client.get(path))["detail"]
    assert {"/healthz", "/readyz", "/api/system/status", "/api/modules", "/api/channels"} <= set(
        client.get("/api/openapi.json").json()["paths"]
    )
    assert client.get("/api/docs").status_code == 200


def test_it_is_made_once_and_only_when_it_is_asked_for():
    assert module.app is module.app
    with pytest.raises(AttributeError, match="has no attribute 'apps'"):
        _ = module.apps


def test_what_is_not_there_is_a_problem():
    client = TestClient(module.app)
    assert members(client.get("/api/nowhere"))["status"] == 404
    assert members(client.post("/healthz"))["status"] == 405


async def test_a_plugins_routes_stand_under_its_name_and_reach_the_application(dashboard, asked):
    async def route():
        return {"arenas": len(get_maf_app().arenas)}

    def plain(context=Depends(get_maf_app)):  # noqa: B008
        return str(context.clock is get_maf_app().clock)

    def make() -> APIRouter:
        made = APIRouter()
        made.get("/async")(route)
        made.get("/threaded", response_model=None)(plain)
        return made

    async with asked(dashboard(mine=make)) as client:
        assert (await client.get("/api/mine/async")).json() == {"arenas": 0}
        assert (await client.get("/api/mine/threaded")).json() == "True"


async def test_two_dashboards_are_each_about_their_own_application(make_context, load, asked):
    async def route():
        await asyncio.sleep(0)
        return get_maf_app().settings.drain_s

    plugins = load(DashboardRouterSpec(name="mine", factory=router("/x", route)))
    one, two = create_app(plugins), create_app(plugins)
    attach(one, make_context(plugins=plugins, drain_s=1))
    attach(two, make_context(plugins=plugins, drain_s=2))
    async with asked(one) as first, asked(two) as second:
        answers = await asyncio.gather(*(client.get("/api/mine/x") for client in [first, second] * 5))
    assert [answer.json() for answer in answers] == [1, 2] * 5
    with pytest.raises(StarletteHTTPException):
        get_maf_app()


async def test_a_route_that_raises_is_a_problem_without_its_words_and_the_log_has_them(dashboard, asked):
    async def route():
        raise LookupError("the secret is 42")

    with capture_logs() as logs:
        async with asked(dashboard(mine=router("/x", route))) as client:
            answer = await client.get("/api/mine/x")
            assert (await client.get("/healthz")).status_code == 200
    assert members(answer)["status"] == 500
    assert "42" not in answer.text
    assert "Traceback" not in answer.text
    (said,) = [line for line in logs if line["event"] == "request_failed"]
    assert (said["log_level"], said["path"], said["method"], said["exc_info"]) == ("error", "/api/mine/x", "GET", True)


@pytest.mark.parametrize("status", [409, 499])
async def test_a_refusal_of_a_route_keeps_its_words_and_headers(dashboard, asked, status):
    async def route():
        raise HTTPException(status, "it runs already", {"Retry-After": "3"})

    async with asked(dashboard(mine=router("/x", route, "POST"))) as client:
        answer = await client.post("/api/mine/x")
    assert (members(answer)["detail"], answer.status_code) == ("it runs already", status)
    assert answer.headers["retry-after"] == "3"


async def test_a_wrong_parameter_is_named_and_not_repeated(dashboard, asked):
    async def route(count: int):
        return count

    route.__annotations__ = {"count": int}
    async with asked(dashboard(mine=router("/x", route))) as client:
        found = members(await client.get("/api/mine/x?count=<script>"))
    assert found["status"] == 422
    assert [fault["field"] for fault in found["errors"]] == ["query.count"]
    assert "script" not in str(found)


async def test_without_the_server_it_is_503(make_context, load, asked):
    async def route():
        return await get_maf_app().redis.ping()

    plugins = load(DashboardRouterSpec(name="mine", factory=router("/x", route)))
    app = create_app(plugins)
    async with Redis.from_url("redis://127.0.0.1:1/0") as nobody:
        attach(app, AppContext.create(nobody, make_context().settings, plugins))
        async with asked(app) as client:
            for path in ("/api/mine/x", "/api/channels", "/readyz"):
                assert members(await client.get(path))["status"] == 503
            status = (await client.get("/api/system/status")).json()
    assert status["redis"]["status"] == "away"
    assert {worker["status"] for worker in status["workers"]} == {"unknown"}

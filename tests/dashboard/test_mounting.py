"""Routers of plugins: a broken one is left out, and the dashboard goes on without it."""

from __future__ import annotations

import pytest
from fastapi import APIRouter
from structlog.testing import capture_logs

from maf_core import DashboardRouterSpec
from maf_core.dashboard.mounting import made
from maf_core.errors import PluginError


def sound() -> APIRouter:
    router = APIRouter()
    router.add_api_route("/x", lambda: "here")
    return router


def raising():
    raise LookupError("no templates here")


def leaving():
    raise SystemExit(3)


def pathless() -> APIRouter:
    router = APIRouter()
    router.add_api_route("", lambda: "here")
    return router


BROKEN = {
    "raising": (raising, "LookupError: no templates here"),
    "leaving": (leaving, "SystemExit: 3"),
    "other": (dict, "made dict, not a FastAPI APIRouter"),
    "nowhere": ("maf_nowhere:make_router", "cannot be imported"),
    "demanding": (lambda context: sound(), "TypeError"),
    "docs": (sound, "cannot stand in /api/NAME"),
    "a/b": (sound, "cannot stand in /api/NAME"),
    "../system": (sound, "cannot stand in /api/NAME"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_router_that_cannot_be_made_is_left_out_with_a_warning(dashboard, asked, name):
    factory, words = BROKEN[name]
    with capture_logs() as logs:
        app = dashboard(**{name: factory, "sound": sound, "whole": pathless})
    (said,) = [line for line in logs if line["event"] == "dashboard_router_not_used"]
    assert (said["router"], said["plugin"], said["distribution"]) == (name, "made", "maf-made")
    assert words in said["reason"]
    assert "MAF_DISABLE_PLUGINS=made" in said["fix"]
    async with asked(app) as client:
        assert (await client.get("/api/sound/x")).json() == (await client.get("/api/whole")).json() == "here"
        assert (await client.get("/api/modules")).status_code == 200
        assert (await client.get(f"/api/{name}/x")).status_code == 404


@pytest.mark.parametrize("name", BROKEN)
def test_the_reason_is_an_error_of_ours(name):
    factory, words = BROKEN[name]
    with pytest.raises(PluginError, match=words.replace("(", r"\(")):
        made(DashboardRouterSpec(name=name, factory=factory))


def test_the_cores_names_are_taken(plugin_of):
    from maf_core.plugins import Candidate, PluginManager, Selection

    module = plugin_of(DashboardRouterSpec(name="modules", factory=sound))
    manager = PluginManager.load(Selection(), [Candidate("made", "maf-made", "1", module=module)])
    row = next(row for row in manager.rows if row.name == "made")
    assert "'modules' belongs to the core" in row.reason

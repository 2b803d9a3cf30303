"""The examples of docs/triggers.md and docs/dashboard.md work, and the tables name what the plugins offer."""

from __future__ import annotations

import re
from pathlib import Path

import httpx

from maf_core import DashboardRouterSpec, TriggerTemplatesSpec, publish
from maf_core.dashboard.app import create_app
from maf_core.dashboard.state import attach
from maf_core.plane.library import TemplateLibrary, load_templates
from maf_core.plugins import PluginManager, Selection

DOCS = Path(__file__).parents[2] / "docs"


def block(page: str, language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    return found


async def test_the_template_in_the_docs_fires(tmp_path, load, redis, fire_template):
    path = tmp_path / "templates.yaml"
    path.write_text(block("triggers.md", "yaml"))
    (template,) = load_templates(path)
    plugins = load(TriggerTemplatesSpec(name="mine", factory=lambda: path))
    moves = [publish(redis, "mine:levels", {"symbol": "AAPL", "change": change}) for change in (0.04, -0.06)]
    (command,) = await fire_template(template.id, *moves, plugins=plugins)
    assert command["target"]["ticker"] == "AAPL"


async def test_the_router_in_the_docs_answers(load, make_context, redis):
    scope: dict = {}
    exec(block("dashboard.md", "python"), scope)
    plugins = load(DashboardRouterSpec(name="mine", factory=scope["make_router"]))
    app = create_app(plugins)
    attach(app, make_context(plugins=plugins))
    await redis.hset("mine:levels", "AAPL", "1.5")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        assert (await client.get("/api/mine/levels/AAPL")).json() == {"symbol": "AAPL", "level": 1.5}
        missing = await client.get("/api/mine/levels/IBM")
    assert (missing.status_code, missing.json()["detail"]) == (404, "There is no level of IBM.")


def test_the_table_of_templates_is_complete():
    offered = TemplateLibrary(PluginManager.load(Selection())).templates()
    assert sorted(re.findall(r"^\| `(\w+)` \|", (DOCS / "triggers.md").read_text(), re.MULTILINE)) == list(offered)


def test_the_table_of_routes_is_complete():
    routes = create_app(PluginManager.load(Selection())).openapi()["paths"]
    page = (DOCS / "dashboard.md").read_text()
    assert [path for path in routes if f"{path}`" not in page and f"{path}?" not in page] == []

"""The dashboard as a FastAPI application.

`create_app` makes one. `app` is made when it is first asked for, with the plugins and the token that the environment
names, for servers and tests that want an import path: every route is there, and those that need a running MAF
application answer 503 until one is attached.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from fastapi import FastAPI

from maf_core.dashboard.access import Access, Guard
from maf_core.dashboard.mounting import mount
from maf_core.dashboard.problems import LastResort, speak_problems
from maf_core.dashboard.routers.health import make_router
from maf_core.dashboard.state import WithApp
from maf_core.plugins import PluginManager
from maf_core.settings import load_settings

app: FastAPI


def create_app(plugins: PluginManager | None = None, access: Access | None = None) -> FastAPI:
    """The dashboard with the routes of these plugins; by default all that the environment selects, open to anybody."""
    made = FastAPI(
        title="MAF",
        version=version("maf"),
        docs_url="/api/docs",
        openapi_url="/api/openapi.json",
        redoc_url=None,
    )
    speak_problems(made)
    made.include_router(make_router())
    mount(made, plugins or PluginManager.load())
    # The last one added is the first to see a request.
    made.add_middleware(WithApp)
    made.add_middleware(Guard, access=access or Access())
    made.add_middleware(LastResort)
    return made


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()["app"] = create_app(access=Access(load_settings().dashboard_token))
    return globals()["app"]

"""Takes the routers of plugins in; one that cannot be had is left out."""

from __future__ import annotations

import re

import structlog
from fastapi import APIRouter, FastAPI

from maf_core.errors import MAFError, PluginError
from maf_core.plugins import PluginManager
from maf_core.plugins.readers import Contribution
from maf_core.plugins.rows import BUILTIN
from maf_core.records import DashboardRouterSpec, FactoryRecord

log = structlog.get_logger(__name__)

_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_TAKEN = ("docs",)  # FastAPI's own pages


def made(spec: FactoryRecord) -> APIRouter:
    """The router of a record. Raises `PluginError` saying why there is none."""
    if not _NAME.fullmatch(spec.name) or spec.name in _TAKEN:
        raise PluginError(f"{spec.name!r} cannot stand in /api/NAME; use a-z, 0-9, _ and -, and not {_TAKEN[0]!r}.")
    try:
        router = spec.load()()
    except MAFError:
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(f"its factory failed with {type(error).__name__}: {error}") from error
    if not isinstance(router, APIRouter):
        raise PluginError(f"its factory made {type(router).__name__}, not a FastAPI APIRouter.")
    return router


def mount(app: FastAPI, plugins: PluginManager) -> None:
    """Put every plugin's routes under `/api/NAME`, and warn about those that are left out."""
    for given in plugins.given("maf_dashboard_routers"):
        if isinstance(given.record, DashboardRouterSpec):
            _mount_one(app, given, given.record)


def _mount_one(app: FastAPI, given: Contribution, spec: DashboardRouterSpec) -> None:
    try:
        app.include_router(made(spec), prefix=f"/api/{spec.name}", tags=[spec.name])
    except Exception as error:  # noqa: BLE001 - a plugin's routes must not take the dashboard with them
        leave = "" if given.plugin == BUILTIN else f", or leave it out: MAF_DISABLE_PLUGINS={given.plugin}"
        log.warning(
            "dashboard_router_not_used",
            router=spec.name,
            plugin=given.plugin,
            distribution=given.distribution,
            reason=str(error),
            fix=f"Update {given.distribution}{leave}",
        )

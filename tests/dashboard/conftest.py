"""A dashboard about an application on the test server, asked over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI

from maf_core import AppContext, DashboardRouterSpec
from maf_core.dashboard.access import Access
from maf_core.dashboard.app import create_app
from maf_core.dashboard.state import attach

Asked = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@asynccontextmanager
async def _asked(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    # What a route raises must have become an answer: nothing comes through to here.
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8700") as client:
        yield client


@pytest.fixture
def asked() -> Asked:
    """Ask a dashboard: `async with asked(app) as client`."""
    return _asked


@pytest.fixture
def dashboard(make_context, load) -> Callable[..., FastAPI]:
    """A dashboard with these routers, by name, about an application on the test server."""

    def make(access: Access | None = None, context: AppContext | None = None, **routers) -> FastAPI:
        specs = [DashboardRouterSpec(name=name, factory=factory) for name, factory in routers.items()]
        context = context or make_context(plugins=load(*specs))
        app = create_app(context.plugins, access)
        attach(app, context)
        return app

    return make

"""The running application, as routes reach it."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

if TYPE_CHECKING:
    from maf_core.context import AppContext

# One a request, not one a process: several dashboards, each around its own application, can live side by side.
_current: ContextVar[AppContext | None] = ContextVar("maf_app", default=None)


def get_maf_app() -> AppContext:
    """The application that the present request is about; call it within a route, or depend on it.

    Without one, as in a dashboard that nobody started, the request is answered with 503.
    """
    context = _current.get()
    if context is None:
        raise HTTPException(503, "No MAF application runs behind this dashboard. Start one with: maf dashboard")
    return context


def attach(app: FastAPI, context: AppContext) -> None:
    """Let the dashboard be about this application from now on."""
    app.state.maf = context


class WithApp:
    """Hands the application that was attached to each request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        token = _current.set(getattr(scope["app"].state, "maf", None))
        try:
            await self._app(scope, receive, send)
        finally:
            _current.reset(token)

"""Errors as problem details (RFC 9457): JSON that says what is wrong, and never a stack trace; the log has that."""

from __future__ import annotations

from collections.abc import Mapping
from http.client import responses
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from maf_core.streams.consume import SERVER_AWAY

log = structlog.get_logger(__name__)


def problem(status: int, detail: str, path: str, headers: Mapping[str, str] | None = None, **more: Any) -> JSONResponse:
    """A problem as a response. `path`: what was asked for; `more`: further members."""
    content = {"type": "about:blank", "title": responses.get(status, "Error"), "status": status, "detail": detail}
    return JSONResponse({**content, "instance": path, **more}, status, headers, media_type="application/problem+json")


def speak_problems(app: FastAPI) -> None:
    """Answer the errors that routes raise with problems."""

    @app.exception_handler(HTTPException)
    async def raised(request: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, str(error.detail), request.url.path, error.headers)

    @app.exception_handler(RequestValidationError)
    async def not_valid(request: Request, error: RequestValidationError) -> JSONResponse:
        errors = [{"field": ".".join(map(str, fault["loc"])), "message": fault["msg"]} for fault in error.errors()]
        detail = "; ".join(f"{fault['field']}: {fault['message']}" for fault in errors)
        return problem(422, detail, request.url.path, errors=errors)

    async def server_away(request: Request, error: Exception) -> JSONResponse:
        log.warning("redis_away", path=request.url.path, reason=str(error))
        return problem(503, "Redis does not answer. Is the server still there? Then try again.", request.url.path)

    for kind in SERVER_AWAY:
        app.add_exception_handler(kind, server_away)


class LastResort:
    """Answers 500 for whatever a route raises besides, and logs it with the traceback.

    Starlette's own last resort would raise it once more, and the server would log it a second time.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception:
            path = scope.get("path", "")
            log.exception("request_failed", method=scope.get("method"), path=path)
            if begun or scope["type"] != "http":
                raise  # too late for an answer: the server breaks the connection off
            answer = problem(500, "The route failed. What it raised is in the log of the dashboard.", path)
            await answer(scope, receive, send)

"""The forecast service's routes."""

from __future__ import annotations

import asyncio
import math
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from maf_plugin_kronos.service.engine import Answer, Engine
from maf_plugin_kronos.wire import BatchRequest, ForecastAnswer, ForecastError, ForecastRequest, problem


def create_app(engine: Engine) -> FastAPI:
    """The service around one engine. Every error is `{"error": sentence, "status": code}`.

    The routes read the bytes themselves: pydantic decodes and checks hundreds of bars in half the time that it takes by
    way of Python objects. A generated description would not know the bodies, so there is none.
    """
    app = FastAPI(openapi_url=None)

    @app.exception_handler(ValidationError)
    async def bad_request(_: Request, error: ValidationError) -> JSONResponse:
        return JSONResponse(_fault(422, problem(error.errors())), 422)

    @app.exception_handler(ForecastError)
    async def no_forecast(_: Request, error: ForecastError) -> JSONResponse:
        return JSONResponse(_fault(error.status, str(error)), error.status, _retry_after(error))

    @app.post("/forecast")
    async def forecast(request: Request) -> ForecastAnswer:
        """Forecast one series."""
        return await engine.answer(ForecastRequest.model_validate_json(await request.body()))

    @app.post("/forecast/batch")
    async def batch(request: Request) -> JSONResponse:
        """Forecast several series; each item is an answer or an error of its own."""
        body = await request.body()
        # In a thread: a full batch takes long enough to read that others would notice.
        items = await asyncio.to_thread(_read_batch, body)
        good = [item for item in items if isinstance(item, ForecastRequest)]
        answers = iter(await engine.answers(good, request.is_disconnected))
        told = [_told(next(answers) if isinstance(item, ForecastRequest) else item) for item in items]
        return JSONResponse({"items": told})

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        """200 when forecasts can be had, else 503 with the reason."""
        return JSONResponse(engine.readiness(), 200 if engine.status == "ok" else 503)

    return app


def _read_batch(body: bytes) -> list[ForecastRequest | ForecastError]:
    return [_read(item) for item in BatchRequest.model_validate_json(body).items]


def _read(item: Any) -> ForecastRequest | ForecastError:
    try:
        return ForecastRequest.model_validate(item)
    except ValidationError as error:
        return ForecastError(422, problem(error.errors()))


def _told(answer: Answer) -> dict[str, Any]:
    if isinstance(answer, ForecastError):
        return _fault(answer.status, str(answer))
    return answer.model_dump(mode="json")


def _fault(status: int, sentence: str) -> dict[str, Any]:
    return {"error": sentence, "status": status}


def _retry_after(error: ForecastError) -> dict[str, str] | None:
    return None if error.retry_after_s is None else {"retry-after": str(math.ceil(error.retry_after_s))}

"""The forecast service's routes."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from maf_plugin_kronos.service.engine import Engine
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
        return JSONResponse(_fault(error.status, str(error)), error.status)

    @app.post("/forecast")
    async def forecast(request: Request) -> ForecastAnswer:
        """Forecast one series."""
        return await engine.answer(ForecastRequest.model_validate_json(await request.body()))

    @app.post("/forecast/batch")
    async def batch(request: Request) -> dict[str, list[Any]]:
        """Forecast several series; each item is an answer or an error of its own."""
        items = BatchRequest.model_validate_json(await request.body()).items
        return {"items": [await _answer(engine, item) for item in items]}

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        """200 when forecasts can be had, else 503 with the reason."""
        return JSONResponse(engine.readiness(), 200 if engine.status == "ok" else 503)

    return app


async def _answer(engine: Engine, item: Any) -> dict[str, Any]:
    try:
        answer = await engine.answer(ForecastRequest.model_validate(item))
    except ValidationError as error:
        return _fault(422, problem(error.errors()))
    except ForecastError as error:
        return _fault(error.status, str(error))
    return answer.model_dump(mode="json")


def _fault(status: int, sentence: str) -> dict[str, Any]:
    return {"error": sentence, "status": status}

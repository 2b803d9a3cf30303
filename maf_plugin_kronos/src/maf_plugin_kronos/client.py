"""Asks the forecast service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
from pydantic import ValidationError
from pydantic_core import from_json, to_json

from maf_plugin_kronos.wire import ForecastAnswer, ForecastError, problem

_JSON = {"content-type": "application/json"}


class ForecastClient:
    """One kept-alive connection pool to the service at `url`; close it with `aclose`."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url = url
        self._http = httpx.AsyncClient(base_url=url, timeout=timeout_s)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def forecast(self, request: Mapping[str, Any]) -> ForecastAnswer:
        """Ask for one forecast; `request` has the fields of `ForecastRequest`.

        Raises `ForecastError` with the service's status and sentence; 503 when nobody answers,
        504 when it took too long.
        """
        body = to_json(request, inf_nan_mode="null")
        try:
            response = await self._http.post("/forecast", content=body, headers=_JSON)
        except httpx.TimeoutException as error:
            raise ForecastError(504, f"The forecast service at {self._url} did not answer in time.") from error
        except httpx.TransportError as error:
            raise ForecastError(
                503, f"No forecast service answers at {self._url} ({error}). Start one: maf kronos serve"
            ) from error
        if response.status_code != httpx.codes.OK:
            raise ForecastError(response.status_code, _sentence(response))
        return self._read(response.content)

    def _read(self, body: bytes) -> ForecastAnswer:
        try:
            return ForecastAnswer.model_validate_json(body)
        except ValidationError as error:
            raise ForecastError(
                502, f"What answers at {self._url} is no forecast service: {problem(error.errors())}"
            ) from error


def _sentence(response: httpx.Response) -> str:
    try:
        return str(from_json(response.content)["error"])
    except (ValueError, TypeError, KeyError):
        return f"the forecast service answered {response.status_code}"

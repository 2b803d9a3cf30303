"""Asks the forecast service."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from pydantic import ValidationError
from pydantic_core import from_json, to_json

from maf_core.certificates import certificates
from maf_plugin_kronos.wire import BatchAnswer, ForecastAnswer, ForecastError, problem

_JSON = {"content-type": "application/json"}


class ForecastClient:
    """One kept-alive connection pool to the service at `url`; close it with `aclose`."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._http = httpx.AsyncClient(base_url=url, timeout=timeout_s, verify=certificates())

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def forecasts(self, requests: Sequence[Mapping[str, Any]]) -> list[ForecastAnswer | ForecastError]:
        """Ask for several forecasts at once; each request has the fields of `ForecastRequest`.

        Each is an answer or an error of its own. Raises `ForecastError` when the service as a whole gives none, with
        its status and sentence: 503 when nobody answers, 504 when it took too long, 502 when it is something else.
        """
        answer = await self._post("/forecast/batch", to_json({"items": requests}, inf_nan_mode="null"))
        if answer.status_code != httpx.codes.OK:
            raise ForecastError(answer.status_code, _sentence(answer), _retry_after_s(answer))
        items = self._read(answer.content)
        if len(items) != len(requests):
            raise self._no_service(f"{len(items)} answers to {len(requests)} questions")
        for request, item in zip(requests, items, strict=True):
            if isinstance(item, ForecastAnswer) and item.symbol != request["symbol"]:
                raise self._no_service(f"a forecast of {item.symbol} where {request['symbol']} was asked for")
        return items

    async def _post(self, path: str, body: bytes) -> httpx.Response:
        try:
            # From beginning to end: an answer that trickles in is late as well.
            async with asyncio.timeout(self._timeout_s):
                return await self._http.post(path, content=body, headers=_JSON)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise ForecastError(504, f"The forecast service at {self._url} did not answer in time.") from error
        except httpx.TransportError as error:
            raise ForecastError(
                503, f"No forecast service answers at {self._url} ({error}). Start one: maf kronos serve"
            ) from error

    def _read(self, body: bytes) -> list[ForecastAnswer | ForecastError]:
        try:
            items = BatchAnswer.model_validate_json(body).items
        except ValidationError as error:
            raise self._no_service(problem(error.errors())) from error
        return [item if isinstance(item, ForecastAnswer) else ForecastError(item.status, item.error) for item in items]

    def _no_service(self, why: str) -> ForecastError:
        return ForecastError(502, f"What answers at {self._url} is no forecast service: {why}")


def _sentence(response: httpx.Response) -> str:
    try:
        return str(from_json(response.content)["error"])
    except (ValueError, TypeError, KeyError):
        return f"the forecast service answered {response.status_code}"


def _retry_after_s(response: httpx.Response) -> float | None:
    """Seconds; a date, which the header may also hold, is not looked at."""
    try:
        seconds = float(response.headers["retry-after"])
    except (KeyError, ValueError):
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None

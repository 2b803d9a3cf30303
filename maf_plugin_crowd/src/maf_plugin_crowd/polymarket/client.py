"""Asks Polymarket's public services. Reading needs no key; nothing here can place an order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
from pydantic_core import from_json

from maf_core.certificates import certificates
from maf_core.errors import SourceError

_LARGEST_BYTES = 8_000_000


class PolymarketClient:
    """A connection for each question: nobody closes a source, and it is asked a few times a minute."""

    def __init__(self, timeout_s: float) -> None:
        limits = httpx.Limits(max_keepalive_connections=0)
        self._http = httpx.AsyncClient(timeout=timeout_s, limits=limits, verify=certificates())

    async def get(self, url: str, **asked: Any) -> Any:
        """The JSON of an answer; None for a 404, which is how the service says that there is no such thing.

        Raises `SourceError` for whatever else is no answer.
        """
        try:
            async with self._http.stream("GET", url, params=asked) as response:
                body = await _bounded(response, url)
        except httpx.TimeoutException as error:
            raise SourceError(f"{url} did not answer in time.") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SourceError(f"{url} cannot be asked ({type(error).__name__}).") from error
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        if response.status_code != httpx.codes.OK:
            raise SourceError(f"{url} answered {response.status_code}.")
        try:
            return from_json(body, cache_strings="keys")
        except ValueError as error:
            raise SourceError(f"{url} answered with something that is no JSON.") from error

    async def mapping(self, url: str, **asked: Any) -> Mapping[str, Any]:
        """As `get`; empty for a 404. Raises for an answer that is no object."""
        found = await self.get(url, **asked)
        if found is not None and not isinstance(found, dict):
            raise SourceError(f"{url} answered with {type(found).__name__}, not with an object.")
        return found or {}


async def _bounded(response: httpx.Response, url: str) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > _LARGEST_BYTES:
            raise SourceError(f"{url} answered with more than {_LARGEST_BYTES:,} bytes.")
    return bytes(body)

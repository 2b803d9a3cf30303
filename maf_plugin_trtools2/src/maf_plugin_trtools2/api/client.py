"""Asks the service of market data, and says in a sentence why it did not answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
from pydantic_core import from_json

from maf_core.certificates import certificates
from maf_core.errors import SourceError
from maf_plugin_trtools2.api.config import api_key

# Ten thousand bars are about one megabyte.
_LARGEST_BYTES = 16_000_000
_ROWS = ("data", "bars", "snapshots", "results", "items", "rows")


class ApiClient:
    """A connection for each question: nobody closes a source, and it is asked a few times a minute."""

    def __init__(self, timeout_s: float) -> None:
        limits = httpx.Limits(max_keepalive_connections=0)
        self._http = httpx.AsyncClient(timeout=timeout_s, limits=limits, verify=certificates())

    async def rows(self, url: str, asked: Mapping[str, Any], symbol: str) -> list[dict[str, Any]]:
        """The rows of an answer; those of one symbol when it groups them by symbol.

        Raises `SourceError` for whatever is no such answer.
        """
        return _rows(_parsed(await self._content(url, asked), url), symbol, url)

    async def _content(self, url: str, asked: Mapping[str, Any]) -> bytes:
        key = api_key()
        headers = {"X-API-Key": key.get_secret_value()} if key else {}
        try:
            async with self._http.stream("GET", url, params=dict(asked), headers=headers) as response:
                body = await _bounded(response, url)
        except httpx.TimeoutException as error:
            raise SourceError(f"{url} did not answer in time.") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SourceError(f"{url} cannot be asked ({type(error).__name__}). Is trtools2's API running?") from error
        if response.status_code != httpx.codes.OK:
            raise SourceError(_refusal(url, response.status_code, body, with_key=key is not None))
        return body


async def _bounded(response: httpx.Response, url: str) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > _LARGEST_BYTES:
            raise SourceError(f"{url} answered with more than {_LARGEST_BYTES:,} bytes. Ask for fewer bars.")
    return bytes(body)


def _refusal(url: str, status: int, body: bytes, *, with_key: bool) -> str:
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        fix = "The key in TT2_API_KEY is not accepted." if with_key else "Set TT2_API_KEY."
        return f"{url} answered {status}. {fix}"
    return f"{url} answered {status}{_said(body)}."


def _said(body: bytes) -> str:
    """What an error's JSON says; nothing of a page of HTML."""
    try:
        content = from_json(body)
    except ValueError:
        return ""
    said = next((content[key] for key in ("error", "detail", "message") if key in content), "") if content else ""
    return f": {said[:200]}" if isinstance(said, str) and said else ""


def _parsed(body: bytes, url: str) -> Any:
    try:
        return from_json(body, cache_strings="keys")
    except ValueError as error:
        raise SourceError(f"{url} answered with something that is no JSON.") from error


def _rows(content: Any, symbol: str, url: str) -> list[dict[str, Any]]:
    if isinstance(content, dict):
        if content.get("error"):
            raise SourceError(f"{url} answered: {str(content['error'])[:200]}.")
        content = next((content[key] for key in _ROWS if key in content), content)
    if isinstance(content, dict):  # by symbol, as Alpaca does it; else one row
        content = content.get(symbol, [content] if _is_row(content) else [])
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise SourceError(f"{url} answered with {type(content).__name__}, not with rows.")
    return content


def _is_row(content: dict[str, Any]) -> bool:
    return not content or not all(isinstance(value, list | dict) for value in content.values())

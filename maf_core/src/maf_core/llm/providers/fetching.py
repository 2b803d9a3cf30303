"""Reads a JSON document from a service that may be away, broken, or somebody else."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from maf_core.certificates import certificates
from maf_core.errors import LLMError
from maf_core.llm.faults import without_secrets
from maf_core.llm.providers.needs import llm_packages

_LARGEST = 16 * 1024 * 1024


class FetchError(LLMError):
    """The document could not be had. `status`: what the server answered; None when nobody did."""

    def __init__(self, sentence: str, status: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status


async def fetch(
    url: str,
    *,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 5.0,
) -> dict[str, Any]:
    """The JSON object at the address; `FetchError` in one sentence otherwise, which never shows a header."""
    with llm_packages():
        import httpx
    try:
        async with (
            asyncio.timeout(timeout_s),
            httpx.AsyncClient(timeout=timeout_s, verify=certificates()) as client,
            client.stream("GET", url, params=params, headers=headers) as response,
        ):
            body = await _body(response)
    except (httpx.TimeoutException, TimeoutError) as error:
        raise FetchError(f"{url} did not answer within {timeout_s:g} s.") from error
    except httpx.ConnectError as error:
        raise FetchError(f"Nobody answers at {url}.") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise FetchError(f"{url} cannot be read ({type(error).__name__}).") from error
    return _object(url, response, body, tuple((headers or {}).values()))


async def _body(response: Any) -> bytes:
    body = b""
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > _LARGEST:
            break
    return body


def _object(url: str, response: Any, body: bytes, secrets: tuple[str, ...]) -> dict[str, Any]:
    from pydantic_core import from_json

    try:
        data = from_json(body)
    except ValueError:
        data = None
    if response.status_code != 200:
        said = without_secrets(_said(data), [word for secret in secrets for word in secret.split()])
        raise FetchError(f"{url} answered {response.status_code}{said and f': {said}'}.", response.status_code)
    if not isinstance(data, dict):
        raise FetchError(f"What {url} answered is no JSON object; is the address right?", response.status_code)
    return data


def _said(data: Any) -> str:
    error = data.get("error", "") if isinstance(data, dict) else ""
    return str(error.get("message", "") if isinstance(error, dict) else error)

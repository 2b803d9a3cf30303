"""Speaks HTTP with MiroFish: one place for its envelope, its errors and its timeouts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from maf_core.certificates import certificates
from maf_plugin_mirofish.config import MiroFishSettings
from maf_plugin_mirofish.errors import AwayError, BrokenError, RefusedError

T = TypeVar("T")

# Its error texts are in Chinese unless asked so; they are shown to people, and never decided by.
_HEADERS = {"accept-language": "en", "accept": "application/json"}
_LONGEST_SENTENCE = 300
# Also as HTML: Flask says so before any work begins.
_NEVER_UNDER_WAY = (400, 404, 405, 413, 415)


class MiroFishClient:
    """One kept-alive connection pool to MiroFish; close it with `aclose`."""

    def __init__(self, settings: MiroFishSettings) -> None:
        self._url = settings.url or ""
        self._most_bytes = settings.max_answer_bytes
        self._http = httpx.AsyncClient(
            base_url=self._url, timeout=settings.timeout_s, headers=_HEADERS, verify=certificates()
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def get(self, kind: type[T], path: str, **params: str | int) -> T:
        """Look something up."""
        return self._read(kind, path, await self._ask("GET", path, params=params))

    async def post(self, kind: type[T], path: str, body: Mapping[str, Any], timeout_s: float | None = None) -> T:
        """Have something done. Answers after `timeout_s` are too late; by default the setting of that name."""
        timeout = httpx.USE_CLIENT_DEFAULT if timeout_s is None else timeout_s
        return self._read(kind, path, await self._ask("POST", path, json=body, timeout=timeout))

    async def upload(self, kind: type[T], path: str, form: Mapping[str, str], text: str, timeout_s: float) -> T:
        """Send a form with a text file."""
        files = {"files": ("report.md", text.encode(), "text/markdown")}
        return self._read(kind, path, await self._ask("POST", path, data=form, files=files, timeout=timeout_s))

    async def healthy(self) -> None:
        """Raises `AwayError` or `BrokenError` unless MiroFish answers."""
        status, body = await self._exchange("GET", "/health")
        if status != httpx.codes.OK or _object(body).get("status") != "ok":
            raise BrokenError(f"What answers at {self._url} is no MiroFish that is well ({status}).")

    async def _ask(self, method: str, path: str, **more: Any) -> Any:
        """The `data` of an envelope that says success."""
        status, raw = await self._exchange(method, path, **more)
        body = _object(raw)
        if status == httpx.codes.OK and body.get("success") is True and "data" in body:
            return body["data"]
        said = str(body.get("error") or "no reason given")[:_LONGEST_SENTENCE]
        sentence = f"{method} {path}: MiroFish answered {status}: {said}"
        unexpected = status >= httpx.codes.INTERNAL_SERVER_ERROR and status != httpx.codes.GATEWAY_TIMEOUT
        answered = body.get("success") is False
        if (answered and not unexpected) or status in _NEVER_UNDER_WAY:
            raise RefusedError(sentence, status, body)
        raise BrokenError(sentence, answered=answered)

    async def _exchange(self, method: str, path: str, **more: Any) -> tuple[int, bytes]:
        try:
            async with self._http.stream(method, path, **more) as response:
                return response.status_code, await self._body(response, path)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise AwayError(f"Nobody answers at {self._url}. Is MiroFish running there?") from error
        except httpx.TimeoutException as error:
            raise BrokenError(f"{method} {path}: no answer in time.") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise BrokenError(f"{method} {path}: the connection broke off ({type(error).__name__}).") from error

    async def _body(self, response: httpx.Response, path: str) -> bytes:
        body = bytearray()
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > self._most_bytes:
                raise BrokenError(f"{path}: the answer is longer than {self._most_bytes} bytes (max_answer_bytes).")
        return bytes(body)

    def _read(self, kind: type[T], path: str, data: Any) -> T:
        try:
            return TypeAdapter(kind).validate_python(data)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "data"
            raise BrokenError(f"{path}: the answer cannot be read: {where}: {first['msg']}") from error


def _object(body: bytes) -> dict[str, Any]:
    """The JSON object in a body; empty for anything else, such as the HTML of some errors."""
    try:
        found = from_json(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

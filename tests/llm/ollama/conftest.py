"""Bare clients of the stand-in for Ollama."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import openai
import pytest

from maf_core.testing.ollama import OllamaServer

_HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture
async def http(ollama: OllamaServer) -> AsyncIterator[httpx.AsyncClient]:
    """A bare client of the stand-in."""
    async with httpx.AsyncClient(base_url=ollama.url, timeout=10) as client:
        yield client


@pytest.fixture
async def client(ollama: OllamaServer) -> AsyncIterator[openai.AsyncOpenAI]:
    """OpenAI's own client, of the stand-in."""
    async with openai.AsyncOpenAI(base_url=f"{ollama.url}/v1", api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture
def native(http: httpx.AsyncClient) -> Callable[..., Awaitable[httpx.Response]]:
    """Ask `/api/chat` for a whole answer; keywords are fields of the request."""

    async def ask(**body: Any) -> httpx.Response:
        asked = {"model": "qwen3:8b", "messages": _HELLO, "stream": False, **body}
        return await http.post("/api/chat", json=asked)

    return ask


@pytest.fixture
def lines(http: httpx.AsyncClient) -> Callable[..., Awaitable[list[dict[str, Any]]]]:
    """Ask `/api/chat` without saying whether to stream; the lines of the answer."""

    async def ask(**body: Any) -> list[dict[str, Any]]:
        answer = await http.post("/api/chat", json={"model": "qwen3:8b", "messages": _HELLO, **body})
        assert answer.headers["content-type"] == "application/x-ndjson"
        return [json.loads(line) for line in answer.text.splitlines()]

    return ask

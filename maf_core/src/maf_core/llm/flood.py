"""Hang up on a server that sends more bytes than any answer has: a line without an end never becomes an event."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import httpx2

if TYPE_CHECKING:
    from pydantic_ai.models import Model

# A token takes up to about 400 bytes of a stream; the longest answers have some ten thousands of them.
MOST_BYTES = 32 * 1024 * 1024


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = MOST_BYTES
        async for piece in self._stream:
            left -= len(piece)
            if left < 0:
                raise httpx2.ReadError(f"more than {MOST_BYTES} bytes came, and no end")
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _bound(response: Any) -> None:
    response.stream = _Bounded(response.stream)


def bounded(model: Model) -> Model:
    """The model, whose HTTP client from here on takes no more than `MOST_BYTES` for one answer.

    That of the OpenAI SDK and those made after its pattern; any other client is left as it is.
    """
    client = getattr(getattr(model, "client", None), "_client", None)
    if isinstance(client, httpx2.AsyncClient) and _bound not in client.event_hooks["response"]:
        client.event_hooks["response"].append(_bound)
    return model

"""Look now and then, however many ask."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from maf_core.context import AppContext

FoundT = TypeVar("FoundT")


class Cached(Generic[FoundT]):
    """What `look` finds, looked at again when it is `seconds` old. Whoever comes meanwhile waits for the same look."""

    def __init__(self, look: Callable[[AppContext], Awaitable[FoundT]], seconds: float) -> None:
        self._look = look
        self._seconds = seconds
        self._lock = asyncio.Lock()
        self._last: tuple[AppContext, float, FoundT] | None = None

    async def get(self, context: AppContext) -> FoundT:
        """The last look at this application, or a new one."""
        async with self._lock:
            if self._last is None or self._last[0] is not context or time.monotonic() >= self._last[1]:
                found = await self._look(context)
                self._last = context, time.monotonic() + self._seconds, found
            return self._last[2]

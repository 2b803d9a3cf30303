"""Wait for conditions, never for time."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")


@overload
async def wait_until(condition: Callable[[], Awaitable[T]], timeout_s: float = 10.0) -> T: ...
@overload
async def wait_until(condition: Callable[[], T], timeout_s: float = 10.0) -> T: ...
async def wait_until(condition: Callable[[], Any], timeout_s: float = 10.0) -> Any:
    """Return the first true value of `condition`, plain or async; `TimeoutError` when there is none in time."""
    async with asyncio.timeout(timeout_s):
        while True:
            value = condition()
            if inspect.isawaitable(value):
                value = await value
            if value:
                return value
            await asyncio.sleep(0.005)

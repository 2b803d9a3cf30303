"""A refresher that does what a test says."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from maf_core import Refresher, Target
from maf_core.plane.watch import WatchList


class Scripted(Refresher):
    """Notes every call, then does what `does` says. Impatient: a test must not wait."""

    name = "scripted"
    look_s = 0.02
    backoff_s = 0.05
    cadence = 60.0

    def __init__(self, context: Any, does: Callable[[Target], Awaitable[None]] | None = None, **options: Any) -> None:
        for name, value in options.items():
            setattr(self, name, value)
        super().__init__(context)
        self.does = does
        self.calls: list[tuple[float, Target]] = []

    def cadence_s(self, target: Target) -> float:
        return self.cadence

    async def refresh(self, target: Target) -> None:
        self.calls.append((time.monotonic(), target))
        if self.does is not None:
            await self.does(target)

    @property
    def times(self) -> Counter[str]:
        """How often each target was called."""
        return Counter(target.key for _, target in self.calls)


@pytest.fixture
def refresher(make_context) -> Callable[..., Scripted]:
    """Make one: `refresher(does, concurrency=2, cadence=0.5)`."""
    return lambda does=None, **options: Scripted(make_context(), does, **options)


@pytest.fixture
def watch(redis) -> Callable[..., Awaitable[None]]:
    """Watch symbols: `await watch("AAPL", "MSFT")`."""

    async def add(*symbols: str, ttl_s: float = 600, **attrs: Any) -> None:
        for symbol in symbols:
            await WatchList(redis).add(symbol, "symbol", ttl_s, attrs)

    return add

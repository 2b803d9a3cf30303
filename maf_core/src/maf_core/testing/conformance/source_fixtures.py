"""What the rules for sources and for their freshness need to know about a source."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from redis.asyncio import Redis

from maf_core.plugins import PluginManager
from maf_core.sources.base import BaseSource
from maf_core.sources.catalog import SourceCatalog
from maf_core.streams.publish import publish
from maf_core.testing.conformance.base import Conformance, missing


class SourceFixtures(Conformance):
    """What the rules for sources and for their freshness need to know.

    You must set `name` and override `entries`. You may override `put`, `config`, `target`, `stranger`, `moments`.
    """

    @pytest.fixture
    def entries(self) -> Callable[[datetime], dict[str, dict[str, Any]]]:
        """Must: a function from a moment to {stream: payload}, one thing about `target` that became known just then."""
        missing("entries", "what stands on which stream when something became known at a moment")

    @pytest.fixture
    def put(
        self, redis: Redis, entries: Callable[[datetime], dict[str, dict[str, Any]]]
    ) -> Callable[[datetime], Awaitable[None]]:
        """May: write what `entries` says; override it where the source reads more than streams."""

        async def write(moment: datetime) -> None:
            for stream, payload in entries(moment).items():
                await publish(redis, stream, payload)

        return write

    @pytest.fixture
    def config(self) -> dict[str, Any]:
        """May: the binding's configuration; by default empty."""
        return {}

    @pytest.fixture
    def target(self) -> dict[str, Any]:
        """May: what `entries` are about; by default the ticker AAPL."""
        return {"ticker": "AAPL"}

    @pytest.fixture
    def stranger(self) -> dict[str, Any]:
        """May: a target that `entries` say nothing about; by default another ticker."""
        return {"ticker": "NOBODY"}

    @pytest.fixture
    def moments(self) -> tuple[datetime, datetime]:
        """May: two moments; by default the closes in New York of two trading days."""
        return datetime(2024, 1, 2, 21, tzinfo=UTC), datetime(2024, 1, 3, 21, tzinfo=UTC)

    @pytest.fixture
    def make_source(self, redis: Redis, plugins: PluginManager, config: dict[str, Any]) -> Callable[[], BaseSource]:
        """Never: make the source anew, as a service does when it starts."""
        return lambda: SourceCatalog(redis, plugins).get(self.name, config)

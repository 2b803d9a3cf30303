"""The base of sources that answer with what became known in the last hours."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import Field
from pydantic_core import from_json, to_json
from redis.asyncio import Redis

from maf_core.sources.base import BaseSource, SourceConfig, SourceQuery, SourceResult
from maf_core.sources.fields import symbol_of
from maf_core.sources.freshness import StreamFreshness
from maf_core.streams.view import StreamView

# Items kept per symbol: as many as a stream holds by default, so that early moments can still be answered.
KEPT = 100_000


class WindowConfig(SourceConfig):
    """The newest `limit` items that became known in the last `window_hours`."""

    stream: str
    window_hours: float = Field(72.0, gt=0)
    limit: int = Field(50, ge=1, le=KEPT)


@dataclass(frozen=True, slots=True)
class Known:
    """An item of a stream. Two of one `identity` are the same thing told twice: the first stands."""

    as_of: datetime
    identity: Hashable
    row: dict[str, Any]


class WindowSource(BaseSource):
    """Answers with rows, newest last. Gap: `no_<name>`, when nothing became known within the window."""

    config: WindowConfig

    def __init__(self, redis: Redis, config: WindowConfig) -> None:
        super().__init__(redis, config)
        self.view: StreamView[Known] = StreamView(redis, config.stream, self._parse, keep=KEPT, unique=False)

    @classmethod
    def freshness_spec(cls, config: WindowConfig) -> StreamFreshness:
        """The bound stream."""
        return StreamFreshness(config.stream)

    async def fetch(self, query: SourceQuery) -> SourceResult:
        """The newest `limit` items known after `query.as_of` minus the window and not after `query.as_of`."""
        since = query.as_of - timedelta(hours=self.config.window_hours)
        distinct: dict[Hashable, Known] = {}
        for item in await self.view.latest(self.key_of(query), query.as_of.timestamp(), KEPT):
            if item.as_of > since and self.fits(query, item):
                distinct.setdefault(item.identity, item)
        newest = list(distinct.values())[-self.config.limit :]
        if not newest:
            return SourceResult(None, gaps=(f"no_{self.name}",))
        encoded = to_json([item.row for item in newest])
        return SourceResult(from_json(encoded), newest[-1].as_of, size_bytes=len(encoded))

    def key_of(self, query: SourceQuery) -> str:
        """Which of the keys that `parse` gives a query is about: its symbol, unless a subclass says otherwise."""
        return symbol_of(query)

    def fits(self, query: SourceQuery, item: Known) -> bool:
        """Whether an item found under the query's key is meant; all are, unless a subclass says otherwise."""
        return True

    @abstractmethod
    def parse(self, payload: dict[str, Any]) -> tuple[list[str], Known]:
        """The keys an entry is found under, such as its symbols, and what it says.

        Raises `BadEntryError` when it cannot be read.
        """

    def _parse(self, payload: dict[str, Any]) -> list[tuple[str, float, Known]]:
        keys, item = self.parse(payload)
        return [(key, item.as_of.timestamp(), item) for key in keys]

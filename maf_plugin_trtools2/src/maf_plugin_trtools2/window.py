"""The base of sources that answer with what became known in the last hours."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic_core import from_json, to_json
from redis.asyncio import Redis

from maf_core import BaseSource, SourceQuery, SourceResult, StreamFreshness, StreamView
from maf_plugin_trtools2.config import KEPT, WindowConfig
from maf_plugin_trtools2.fields import symbol_of


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
        for item in await self.view.latest(symbol_of(query), query.as_of.timestamp(), KEPT):
            if item.as_of > since:
                distinct.setdefault(item.identity, item)
        newest = list(distinct.values())[-self.config.limit :]
        if not newest:
            return SourceResult(None, gaps=(f"no_{self.name}",))
        encoded = to_json([item.row for item in newest])
        return SourceResult(from_json(encoded), newest[-1].as_of, size_bytes=len(encoded))

    @abstractmethod
    def parse(self, payload: dict[str, Any]) -> tuple[list[str], Known]:
        """The symbols an entry is about, and what it says; `BadEntryError` when it cannot be read."""

    def _parse(self, payload: dict[str, Any]) -> list[tuple[str, float, Known]]:
        symbols, item = self.parse(payload)
        return [(symbol, item.as_of.timestamp(), item) for symbol in symbols]

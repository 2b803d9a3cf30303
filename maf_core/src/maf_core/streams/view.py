"""A local, incrementally read copy of a stream, grouped by key and ordered by time.

Asking costs one round trip and decodes only what is new, whatever the stream's length.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

import structlog
from redis.asyncio import Redis

from maf_core.errors import BadEntryError
from maf_core.streams import codec, raw

log = structlog.get_logger(__name__)

ItemT = TypeVar("ItemT")
# One entry may stand for several items: a news article names several symbols.
Parser = Callable[[dict[str, Any]], Iterable[tuple[str, float, ItemT]]]
_PAGE = 2000


class _Series(Generic[ItemT]):
    """Items of one key, ordered by time; the first of equal times wins."""

    __slots__ = ("items", "times")

    def __init__(self) -> None:
        self.times: list[float] = []
        self.items: list[ItemT] = []

    def add(self, time: float, item: ItemT, *, unique: bool) -> bool:
        at = bisect_right(self.times, time)
        if unique and at and self.times[at - 1] == time:
            return False
        self.times.insert(at, time)
        self.items.insert(at, item)
        return True

    def keep_newest(self, count: int) -> None:
        if len(self.times) > count * 5 // 4:  # now and then, not at every entry
            del self.times[:-count], self.items[:-count]


class StreamView(Generic[ItemT]):
    """What a stream says, per key, as of any moment.

    `parse` turns a payload into (key, time as a Unix timestamp, item) rows and raises `BadEntryError` for a bad one,
    which is skipped and counted; so is one that it fails over. `keep` bounds the items per key. `unique`: one item per
    key and time.
    """

    def __init__(
        self, redis: Redis, stream: str, parse: Parser[ItemT], *, keep: int = 5000, unique: bool = True
    ) -> None:
        self.redis = redis
        self.stream = stream
        self.bad_entries = 0
        self.duplicates = 0
        self._parse = parse
        self._keep = keep
        self._unique = unique
        self._series: dict[str, _Series[ItemT]] = {}
        self._last = "-"
        self._lock = asyncio.Lock()

    async def refresh(self) -> None:
        """Read what has been appended since the last time."""
        async with self._lock:
            while True:
                entries = raw.entries(await self.redis.xrange(self.stream, min=self._last, count=_PAGE))
                for entry_id, fields in entries:
                    self._take(fields)
                    self._last = f"({entry_id}"
                if len(entries) < _PAGE:
                    return

    async def latest(self, key: str, as_of: float, count: int) -> list[ItemT]:
        """The newest `count` items of `key` that were known at `as_of`, oldest first."""
        await self.refresh()
        series = self._series.get(key)
        if series is None:
            return []
        end = bisect_right(series.times, as_of)
        return series.items[max(0, end - count) : end]

    async def between(self, key: str, since: float, as_of: float) -> list[ItemT]:
        """The items of `key` known in (since, as_of], oldest first."""
        await self.refresh()
        series = self._series.get(key)
        if series is None:
            return []
        return series.items[bisect_right(series.times, since) : bisect_right(series.times, as_of)]

    def keys(self) -> list[str]:
        """The keys seen so far."""
        return sorted(self._series)

    def _take(self, fields: dict[bytes, bytes]) -> None:
        try:
            rows = list(self._parse(codec.decode(fields)))
        except BadEntryError as error:
            self._skip(str(error))
            return
        except Exception as error:
            # A parser is a plugin's code; what it did not expect must not blind everybody to what comes after.
            log.exception("parser_failed", stream=self.stream)
            self._skip(f"its parser failed: {type(error).__name__}: {error}")
            return
        for key, time, item in rows:
            series = self._series.setdefault(key, _Series())
            if not series.add(time, item, unique=self._unique):
                self.duplicates += 1
            series.keep_newest(self._keep)

    def _skip(self, reason: str) -> None:
        self.bad_entries += 1
        log.warning("entry_skipped", stream=self.stream, reason=reason, bad_entries=self.bad_entries)

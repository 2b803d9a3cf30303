"""One-file plugin: the source `csv_bars` reads price bars from a CSV file. In an arena:

    bars: {source: csv_bars, config: {path: data/bars.csv, timeframe: 1d, lookback: 260}}

The file has a header with the usual names: symbol, t (or date), open, high, low, close, volume; and as_of, where a bar
became known at another time than at its close. It is read again when it has changed."""

from __future__ import annotations

import asyncio
import csv
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import structlog
from pydantic import Field
from pydantic_core import to_json
from redis.asyncio import Redis

from maf_core import BaseSource, ExternalFreshness, SourceConfig, SourceQuery, SourceResult, SourceSpec, hookimpl
from maf_core.bars import Bar, parse_bar
from maf_core.errors import BadEntryError, SourceError

log = structlog.get_logger(__name__)


@hookimpl
def maf_sources() -> Iterator[SourceSpec]:
    """The source `csv_bars`."""
    yield SourceSpec(name="csv_bars", factory=CsvBars, summary="Price bars from a CSV file")


class CsvBarsConfig(SourceConfig):
    """Which file, and how many of its bars. Bars older than `max_age_days` before the query are marked stale."""

    path: Path
    timeframe: str = "1d"
    lookback: int = Field(260, ge=1)
    max_age_days: float = Field(7.0, gt=0)


class CsvBars(BaseSource):
    """Answers with {t, o, h, l, c, v} rows, oldest first. Gaps: no_, stale_ and (no good row) parse_fail_csv_bars."""

    name = "csv_bars"
    Config = CsvBarsConfig
    config: CsvBarsConfig

    def __init__(self, redis: Redis, config: CsvBarsConfig) -> None:
        super().__init__(redis, config)
        self._bars: dict[str, list[Bar]] = {}
        self._bad_rows = 0
        self._read_at: tuple[int, int] | None = None

    @classmethod
    def freshness_spec(cls, config: CsvBarsConfig) -> ExternalFreshness:
        """Nothing on the server: the data is in the file."""
        return ExternalFreshness()

    async def fetch(self, query: SourceQuery) -> SourceResult:
        """The newest `lookback` bars that were complete at `query.as_of`."""
        await asyncio.to_thread(self._refresh)
        if self._bad_rows and not self._bars:
            return SourceResult(None, gaps=("parse_fail_csv_bars",))
        bars = self._bars.get(str(query.target["ticker"]).upper(), [])
        known = bars[: bisect_right(bars, query.as_of, key=lambda bar: bar.as_of)][-self.config.lookback :]
        if not known:
            return SourceResult(None, gaps=("no_csv_bars",))
        newest = known[-1].as_of
        stale = newest < query.as_of - timedelta(days=self.config.max_age_days)
        rows = [{key: value for key, value in bar.payload().items() if key in "tohlcv"} for bar in known]
        return SourceResult(rows, newest, ("stale_csv_bars",) if stale else (), len(to_json(rows)))

    def _refresh(self) -> None:
        """Read the file, unless it is as it was the last time."""
        try:
            status = self.config.path.stat()
            if self._read_at != (status.st_mtime_ns, status.st_size):
                with self.config.path.open(newline="", encoding="utf-8-sig") as file:
                    self._bars = self._read(csv.DictReader(file))
                self._read_at = (status.st_mtime_ns, status.st_size)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise SourceError(f"{self.config.path} cannot be read: {error}. Set `path` of csv_bars right.") from error

    def _read(self, lines: csv.DictReader[str]) -> dict[str, list[Bar]]:
        """The bars of each symbol, in the order in which they became known; bad rows are named and left out."""
        bars: dict[str, list[Bar]] = defaultdict(list)
        self._bad_rows = 0
        for row in lines:
            try:
                bar = parse_bar({key: value for key, value in row.items() if value}, self.config.timeframe)
                bars[bar.symbol.upper()].append(bar)
            except BadEntryError as error:
                self._bad_rows += 1
                log.warning("row_skipped", path=str(self.config.path), line=lines.line_num, reason=str(error))
        return {symbol: sorted(found, key=lambda bar: bar.as_of) for symbol, found in bars.items()}

"""Turn the rows of files into a history: validate, adjust, put in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from maf_core import BadEntryError, Bar, parse_bar
from maf_core.bars import seconds_of
from maf_plugin_trtools2.adjust import adjusted
from maf_plugin_trtools2.columns import ADJUSTED
from maf_plugin_trtools2.files import Row, read_rows
from maf_plugin_trtools2.gaps import find_gaps
from maf_plugin_trtools2.history import History, Rejection
from maf_plugin_trtools2.moments import opened_at

_DAY = 86_400


def read_history(paths: Iterable[Path], timeframe: str) -> History:
    """Read all rows of all files.

    Raises `UsageError` for a file that cannot be read; a row that is no bar is rejected, with its place and the fault.
    """
    reader = _Reader(timeframe)
    for path in paths:
        reader.read(path)
    bars = sorted(reader.bars.values(), key=lambda bar: (bar.as_of, bar.symbol))
    return History(
        bars=bars,
        rejections=reader.rejections,
        out_of_order=reader.out_of_order,
        gaps=find_gaps(bars),
        unadjusted=reader.unadjusted,
    )


class _Reader:
    """Collects what the files hold."""

    def __init__(self, timeframe: str) -> None:
        self.bars: dict[tuple[str, datetime], Bar] = {}
        self.rejections: list[Rejection] = []
        self.out_of_order: Counter[str] = Counter()
        self.unadjusted: list[Path] = []
        self._timeframe = timeframe
        self._daily = seconds_of(timeframe) >= _DAY

    def read(self, path: Path) -> None:
        """Take all rows of one file."""
        fields, rows = read_rows(path)
        if ADJUSTED not in fields:
            self.unadjusted.append(path)
        newest: dict[str, datetime] = {}
        for row in rows:
            try:
                bar = self._bar(row)
            except BadEntryError as error:
                self.rejections.append(Rejection(row.place, _symbol(row), str(error)))
                continue
            if bar.t < newest.setdefault(bar.symbol, bar.t):
                self.out_of_order[bar.symbol] += 1
            newest[bar.symbol] = max(bar.t, newest[bar.symbol])
            self.bars[bar.symbol, bar.t] = bar

    def _bar(self, row: Row) -> Bar:
        if row.fault:
            raise BadEntryError(row.fault)
        values = {**row.values, "symbol": _symbol(row)}
        if values["t"] is not None:
            values["t"] = opened_at(values["t"], daily=self._daily)
        bar = parse_bar(values, self._timeframe)
        if (bar.symbol, bar.t) in self.bars:
            raise BadEntryError("a bar of this symbol and time came before")
        return adjusted(bar, values[ADJUSTED]) if ADJUSTED in values else bar


def _symbol(row: Row) -> str:
    found = row.values.get("symbol")
    return found.strip().upper() if isinstance(found, str) else ""

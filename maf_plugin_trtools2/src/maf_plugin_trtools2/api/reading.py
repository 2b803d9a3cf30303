"""What the rows of an answer mean, and since when each is known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from maf_core import BadEntryError, Bar, parse_bar
from maf_core.clock import parse_time
from maf_core.sources.fields import known_from, number_of, value_of


@dataclass(frozen=True, slots=True)
class Reading:
    """Rows that were known at a moment, oldest first, and how many others could not be read."""

    rows: list[dict[str, Any]]
    as_of: datetime | None
    unreadable: int = 0


def read_bars(rows: Iterable[dict[str, Any]], symbol: str, timeframe: str, as_of: datetime) -> Reading:
    """Complete bars as {t, o, h, l, c, v}; one for each opening, the first that came."""
    known: dict[datetime, Bar] = {}
    unreadable = 0
    for row in rows:
        try:
            bar = parse_bar({"symbol": symbol, **row}, timeframe)
        except BadEntryError:
            unreadable += 1
            continue
        if bar.as_of <= as_of and bar.symbol == symbol:
            known.setdefault(bar.t, bar)
    bars = [known[opened] for opened in sorted(known)]
    rows = [{"t": bar.t.isoformat(), "o": bar.o, "h": bar.h, "l": bar.l, "c": bar.c, "v": bar.v} for bar in bars]
    return Reading(rows, bars[-1].as_of if bars else None, unreadable)


def read_snapshots(rows: Iterable[dict[str, Any]], symbol: str, as_of: datetime) -> Reading:
    """The last price known, as {symbol, t, price, bid, ask}; a part that is not stated is None."""
    known, unreadable = [], 0
    for row in rows:
        try:
            moment, snapshot = _snapshot(row, symbol)
        except BadEntryError:
            unreadable += 1
            continue
        if moment <= as_of and snapshot["symbol"] == symbol:
            known.append((moment, snapshot))
    newest = max(known, key=lambda item: item[0], default=None)
    return Reading([newest[1]], newest[0], unreadable) if newest else Reading([], None, unreadable)


def _snapshot(row: dict[str, Any], symbol: str) -> tuple[datetime, dict[str, Any]]:
    _, moment = known_from(row, "t", "ts", "timestamp", "time")
    price = number_of(row, "price", "p", "last", "close", "c")
    if price is None or price <= 0:
        raise BadEntryError("the snapshot has no price")
    named = str(value_of(row, "symbol", "S", "ticker") or symbol).strip().upper()
    sides = {"bid": number_of(row, "bid", "bp"), "ask": number_of(row, "ask", "ap")}
    return moment, {"symbol": named, "t": moment.isoformat(), "price": price, **sides}


def read_now(rows: list[dict[str, Any]], as_of: datetime) -> Reading:
    """Rows about the present, as they are, without those that say they are of later."""
    kept = [row for row in rows if not _is_later(row, as_of)]
    return Reading(kept, as_of if kept else None, 0)


def _is_later(row: dict[str, Any], as_of: datetime) -> bool:
    stated = value_of(row, "as_of", "ts", "checked_at")
    try:
        return stated is not None and parse_time(stated) > as_of
    except BadEntryError:
        return False

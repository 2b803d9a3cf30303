"""Price bars: the usual names of their fields, what makes one bad, and when one is known."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from maf_core.clock import parse_time
from maf_core.errors import BadEntryError, UsageError

_NAMES = {
    "symbol": ("symbol", "S", "ticker"),
    "t": ("t", "ts", "timestamp", "date", "time"),
    "o": ("o", "open"),
    "h": ("h", "high"),
    "l": ("l", "low"),
    "c": ("c", "close"),
    "v": ("v", "volume"),
}
_DAY = 86_400
_UNITS = {"min": 60, "m": 60, "h": 3600, "d": _DAY, "w": 7 * _DAY}
_TIMEFRAME = re.compile(r"([1-9]\d*)(min|m|h|d|w)", re.ASCII)
# Prices that come from a division carry rounding errors; a bar is not bad because of one.
_ROUNDING = 1e-9
# Beyond these, what is computed from a figure (a quantity, a value, a sum) is no number any more.
_SMALLEST_PRICE, _LARGEST = 1e-12, 1e18


@dataclass(frozen=True, slots=True)
class Session:
    """When a trading day ends: a daily bar is known from then on."""

    close: time = time(16, 0)
    timezone: str = "America/New_York"


US_EQUITIES = Session()


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar. `t` is when it opens, `as_of` when it is known (both UTC); prices in currency, volume in units."""

    symbol: str
    tf: str
    t: datetime
    o: float
    h: float
    l: float  # noqa: E741
    c: float
    v: float
    as_of: datetime

    def payload(self) -> dict[str, Any]:
        """The bar as it goes onto a stream."""
        prices = {"o": self.o, "h": self.h, "l": self.l, "c": self.c, "v": self.v}
        return {
            "symbol": self.symbol,
            "tf": self.tf,
            "t": self.t.isoformat(),
            **prices,
            "as_of": self.as_of.isoformat(),
        }


def seconds_of(timeframe: str) -> int:
    """The length of a timeframe such as `5min`, `1h` or `1d`, in seconds."""
    found = _TIMEFRAME.fullmatch(timeframe.lower())
    if not found:
        raise UsageError(f"{timeframe!r} is no timeframe; write 1min, 5min, 1h, 1d or 1w.")
    return int(found[1]) * _UNITS[found[2]]


def known_at(opened: datetime, timeframe: str, session: Session = US_EQUITIES) -> datetime:
    """When a bar that opened at `opened` (UTC) is complete.

    Intraday: when it ends. Daily and longer: at the close of its last session, so that a decision of that day may
    use it and one before may not. The first session is the one that closes next after `opened`, so that a day may be
    said to open at midnight in New York or in UTC.
    """
    length = seconds_of(timeframe)
    if length < _DAY:
        return opened + timedelta(seconds=length)
    local = opened.astimezone(ZoneInfo(session.timezone))
    first_close = local.replace(hour=session.close.hour, minute=session.close.minute, second=0, microsecond=0)
    days = length // _DAY - (1 if first_close > local else 0)
    # Added to the local time, so that the close stays at its hour when clocks change in between.
    return (first_close + timedelta(days=days)).astimezone(UTC)


def parse_bar(payload: Mapping[str, Any], timeframe: str | None = None, session: Session = US_EQUITIES) -> Bar:
    """Read a bar under any of its usual field names.

    Raises `BadEntryError` naming the fault: a missing field, no number, not finite, a price below 1e-12 or a figure
    above 1e18, high below low, open or close outside of [low, high], negative volume, known before it opened.
    """
    symbol = str(_field(payload, "symbol")).strip()
    if not symbol:
        raise BadEntryError("the bar has an empty symbol")
    tf = str(payload.get("tf") or payload.get("timeframe") or timeframe or "")
    opened = parse_time(_field(payload, "t"))
    o, h, low, c = (_price(payload, name) for name in ("o", "h", "l", "c"))
    volume = _number(payload, "v")
    if volume < 0:
        raise BadEntryError(f"volume {volume:g} is negative")
    if h < low:
        raise BadEntryError(f"high {h:g} is below low {low:g}")
    slack = _ROUNDING * h
    if not (low - slack <= min(o, c) and max(o, c) <= h + slack):
        raise BadEntryError(f"open {o:g} or close {c:g} lies outside of low {low:g} to high {h:g}")
    stated = payload.get("as_of")
    try:
        complete = known_at(opened, tf, session)
    except (UsageError, OverflowError) as error:
        raise BadEntryError(str(error)) from error
    as_of = parse_time(stated) if stated else complete
    if as_of < opened:
        raise BadEntryError(f"as_of {as_of.isoformat()} is before the bar opens at {opened.isoformat()}")
    return Bar(symbol, tf, opened, o, h, low, c, volume, as_of)


def _field(payload: Mapping[str, Any], name: str) -> Any:
    for alias in _NAMES[name]:
        if payload.get(alias) is not None:
            return payload[alias]
    raise BadEntryError(f"the bar has no {_NAMES[name][-1] if name in 'ohlcv' else _NAMES[name][0]}")


def _number(payload: Mapping[str, Any], name: str) -> float:
    value = _field(payload, name)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadEntryError(f"{_NAMES[name][-1]} {repr(value)[:40]} is no number") from error
    if not math.isfinite(number):
        raise BadEntryError(f"{_NAMES[name][-1]} is {value}, not a finite number")
    if number > _LARGEST:
        raise BadEntryError(f"{_NAMES[name][-1]} {number:g} is more than {_LARGEST:g}")
    return number


def _price(payload: Mapping[str, Any], name: str) -> float:
    price = _number(payload, name)
    if price <= 0:
        raise BadEntryError(f"{_NAMES[name][-1]} {price:g} is not a positive price")
    if price < _SMALLEST_PRICE:
        raise BadEntryError(f"{_NAMES[name][-1]} {price:g} is less than {_SMALLEST_PRICE:g}")
    return price

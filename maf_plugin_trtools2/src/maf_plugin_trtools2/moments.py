"""When a bar of a file opens: what a plain date means."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from maf_core.bars import US_EQUITIES, Bar
from maf_core.clock import parse_time

NEW_YORK = ZoneInfo(US_EQUITIES.timezone)
_MIDNIGHT = time()


def opened_at(value: Any, *, daily: bool) -> datetime:
    """The opening of a bar from a cell of a file.

    A date without a time is midnight New York, as in Alpaca's daily bars. So is midnight UTC of a daily bar: many
    exports write a date that way, and taken literally it would lie on the evening before, when nobody knew the bar yet.
    Raises `BadEntryError` for what is no time.
    """
    day = _plain_date(value)
    if day is None:
        moment = parse_time(value)
        if not (daily and moment.time() == _MIDNIGHT):
            return moment
        day = moment.date()
    return datetime.combine(day, _MIDNIGHT, NEW_YORK)


def day_of(bar: Bar) -> date:
    """The New York date of a bar."""
    return bar.t.astimezone(NEW_YORK).date()


def _plain_date(value: Any) -> date | None:
    if isinstance(value, datetime):
        return None
    if isinstance(value, date):
        return value
    with suppress(ValueError):
        return date.fromisoformat(str(value).strip())
    return None

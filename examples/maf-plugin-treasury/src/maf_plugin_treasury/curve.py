"""The yields of one day, as the Treasury's daily table has them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from maf_core import BadEntryError
from maf_core.clock import parse_time

TENORS = ("1 Mo", "2 Mo", "3 Mo", "4 Mo", "6 Mo", "1 Yr", "2 Yr", "3 Yr", "5 Yr", "7 Yr", "10 Yr", "20 Yr", "30 Yr")
# The Treasury publishes the rates of a day by 18:00 Eastern time of that day.
_PUBLISHED = time(18, 0, tzinfo=ZoneInfo("America/New_York"))


@dataclass(frozen=True, slots=True)
class Curve:
    """Par yields in percent by tenor, of one day; `as_of` is when they became known (UTC)."""

    day: date
    as_of: datetime
    yields: Mapping[str, float]

    @classmethod
    def parse(cls, payload: Mapping[str, Any]) -> Curve:
        """Read {date, as_of?, tenor: percent, …}; `BadEntryError` says what is wrong."""
        try:
            day = date.fromisoformat(str(payload["date"]))
            yields = {tenor: float(payload[tenor]) for tenor in TENORS if payload.get(tenor) not in (None, "", "N/A")}
        except (KeyError, TypeError, ValueError) as error:
            raise BadEntryError(f"no day of yields: {type(error).__name__}: {error}") from error
        if not yields or not all(map(math.isfinite, yields.values())):
            raise BadEntryError(f"{day}: a yield is missing or not finite")
        published = datetime.combine(day, _PUBLISHED).astimezone(UTC)
        return cls(day, parse_time(payload["as_of"]) if payload.get("as_of") else published, yields)

    def row(self, tenors: tuple[str, ...]) -> dict[str, Any]:
        """What an agent gets: these yields, and the longest minus the shortest where both are known."""
        yields = {tenor: self.yields[tenor] for tenor in tenors if tenor in self.yields}
        complete = len(yields) == len(tenors)
        slope = round(yields[tenors[-1]] - yields[tenors[0]], 6) if complete else None
        return {"date": self.day.isoformat(), "yields": yields, "slope": slope}

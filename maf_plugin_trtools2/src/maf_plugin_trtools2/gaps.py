"""Find the days on which a symbol should have a bar and has none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from itertools import pairwise

from maf_core import Bar
from maf_plugin_trtools2.moments import day_of

# Longer than any holiday of the exchanges.
_LONGEST_PAUSE_DAYS = 7


def find_gaps(bars: Iterable[Bar]) -> dict[str, list[date]]:
    """The gaps of each symbol that has any.

    A gap is a day between a symbol's first and last bar on which it has none and another symbol has one. A symbol
    on its own has nothing to compare with: there, a gap is the day after which more than seven days pass without a bar.
    """
    days: dict[str, set[date]] = defaultdict(set)
    for bar in bars:
        days[bar.symbol].add(day_of(bar))
    if len(days) == 1:
        found = {symbol: _pauses(own) for symbol, own in days.items()}
    else:
        calendar = sorted(set().union(*days.values()))
        found = {symbol: _missing(own, calendar) for symbol, own in sorted(days.items())}
    return {symbol: gaps for symbol, gaps in found.items() if gaps}


def _missing(own: set[date], calendar: list[date]) -> list[date]:
    first, last = min(own), max(own)
    return [day for day in calendar if first < day < last and day not in own]


def _pauses(own: set[date]) -> list[date]:
    return [day for day, following in pairwise(sorted(own)) if (following - day).days > _LONGEST_PAUSE_DAYS]

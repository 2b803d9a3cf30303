"""A history of bars in order of time, and everything that was wrong with the files it came from."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from maf_core import Bar
from maf_plugin_trtools2.moments import day_of

# What differs from one occurrence of a fault to the next: quoted text and numbers.
_VALUE = re.compile(r"""(['"]).*\1|(?<!\S)[-+]?(?:\d[\w.+-]*|nan\b|inf(?:inity)?\b)""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that is no bar: where it stands, its symbol as far as it can be read, and what is wrong with it."""

    place: str
    symbol: str
    fault: str

    @property
    def reason(self) -> str:
        """The fault without the values it was found in, to count by."""
        return _VALUE.sub("…", self.fault)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """`bars` by the moment they were known, then by symbol; faults and gaps are those of the same symbols.

    `out_of_order` counts rows that stood after a later one of their symbol, `unadjusted` names the files without an
    `adj_close` column.
    """

    bars: list[Bar]
    rejections: list[Rejection] = field(default_factory=list)
    out_of_order: Counter[str] = field(default_factory=Counter)
    gaps: dict[str, list[date]] = field(default_factory=dict)
    unadjusted: list[Path] = field(default_factory=list)

    @property
    def symbols(self) -> list[str]:
        """The symbols that occur, in order of the alphabet."""
        return sorted({bar.symbol for bar in self.bars} | {row.symbol for row in self.rejections if row.symbol})

    @property
    def rejected_by_reason(self) -> dict[str, int]:
        """How often each fault occurs, the most frequent first."""
        return dict(Counter(row.reason for row in self.rejections).most_common())

    def of_symbols(self, symbols: Collection[str]) -> History:
        """The part about these symbols. Rows whose symbol cannot be read stay: they might be."""
        return replace(
            self,
            bars=[bar for bar in self.bars if bar.symbol in symbols],
            rejections=[row for row in self.rejections if not row.symbol or row.symbol in symbols],
            out_of_order=Counter({name: n for name, n in self.out_of_order.items() if name in symbols}),
            gaps={symbol: days for symbol, days in self.gaps.items() if symbol in symbols},
        )

    def between(self, first: date | None, last: date | None) -> History:
        """The bars and gaps from `first` to `last`, both included; None leaves that end open."""
        low, high = first or date.min, last or date.max
        gaps = {symbol: [day for day in days if low <= day <= high] for symbol, days in self.gaps.items()}
        return replace(
            self,
            bars=[bar for bar in self.bars if low <= day_of(bar) <= high],
            gaps={symbol: days for symbol, days in gaps.items() if days},
        )

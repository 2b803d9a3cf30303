"""What in price bars is worth a report: a drop, a gap, a burst of volume, told in words that say so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from statistics import fmean
from typing import Any

from maf_core import Bar

_DROP, _GAP, _BURST, _USUAL = 0.04, 0.03, 3.0, 20


@dataclass(frozen=True, slots=True)
class Occasion:
    """A bar that stands out. `strength` compares occasions: how often the threshold was reached."""

    bar: Bar
    kind: str
    strength: float
    title: str
    text: str

    def report(self) -> dict[str, Any]:
        """The report, as fomo2 would write it, known when the bar is."""
        return {
            "report_id": f"bars-{self.bar.symbol}-{self.bar.as_of.date()}-{self.kind}",
            "title": self.title,
            "text": self.text,
            "symbols": [self.bar.symbol],
            "created_at": self.bar.as_of.isoformat(),
            "source": "maf crowd sample",
        }


def occasions(bars: Sequence[Bar]) -> Iterator[Occasion]:
    """The occasions in the bars of one symbol, oldest first; one a bar, the strongest."""
    for index, bar in enumerate(islice(bars, 1, None), start=1):
        found = list(_of(bar, bars[index - 1], bars[max(0, index - _USUAL) : index]))
        if found:
            yield max(found, key=lambda one: (one.strength, one.kind))


def strongest(bars: Mapping[str, Sequence[Bar]], most: int) -> list[Occasion]:
    """The strongest of all symbols, in order of time."""
    found = [one for symbol in sorted(bars) for one in occasions(bars[symbol])]
    best = sorted(found, key=lambda one: (-one.strength, one.bar.as_of, one.bar.symbol))[:most]
    return sorted(best, key=lambda one: (one.bar.as_of, one.bar.symbol))


def _of(bar: Bar, before: Bar, usual: Sequence[Bar]) -> Iterator[Occasion]:
    change, gap = bar.c / before.c - 1, bar.o / before.c - 1
    volume = fmean(one.v for one in usual)
    name = f"{bar.symbol} on {bar.t.date()}"
    if change <= -_DROP:
        told = f"The share fell from {before.c:.2f} to {bar.c:.2f}, {-change:.1%} in one day: a sharp drop."
        yield Occasion(bar, "drop", -change / _DROP, f"{name} drops {-change:.1%}", told)
    if abs(gap) >= _GAP:
        way, sound = ("up", "a strong opening gain") if gap > 0 else ("down", "a weak opening loss")
        told = f"It opened at {bar.o:.2f} after a close of {before.c:.2f}, {abs(gap):.1%} {way}: {sound}."
        yield Occasion(bar, "gap", abs(gap) / _GAP, f"{name} opens with a gap {way} of {abs(gap):.1%}", told)
    if volume and bar.v / volume >= _BURST:
        times = bar.v / volume
        told = f"{bar.v:,.0f} shares changed hands, {times:.1f} times the usual; the day brought {change:+.1%}."
        yield Occasion(bar, "volume", times / _BURST, f"{name}: a burst of volume, {times:.1f} times the usual", told)

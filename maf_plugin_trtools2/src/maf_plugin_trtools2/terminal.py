"""What a replay tells on stderr: faults of the files, and how far it is."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import click

from maf_core import Bar
from maf_plugin_trtools2.history import History

_EXAMPLES = 5
_DAYS = 3
_REDRAW_SECONDS = 0.1
_CLEAR_LINE = "\r\x1b[2K"


class Terminal:
    """Sentences go to stderr; where that is a terminal, a line that tells how far the replay is stands below them."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._live = sys.stderr.isatty()
        self._drawn_at = 0.0

    def say(self, sentence: str) -> None:
        """Print one sentence."""
        self.clear()
        click.echo(sentence, err=True)

    def show(self, played: int, newest: Bar) -> None:
        """Redraw the line, now and then."""
        if self._live and time.monotonic() - self._drawn_at >= _REDRAW_SECONDS:
            self._drawn_at = time.monotonic()
            share = played / self._total
            text = f"{share:4.0%}  {played:,} of {self._total:,}  {newest.as_of:%Y-%m-%d %H:%M}  {newest.symbol}"
            click.echo(_CLEAR_LINE + text, nl=False, err=True)

    def clear(self) -> None:
        """Take the line away."""
        if self._drawn_at:
            click.echo(_CLEAR_LINE, nl=False, err=True)


def warnings(history: History) -> Iterator[str]:
    """What the user should know about the files, a few examples each."""
    for path in history.unadjusted:
        yield f"{path} has no adj_close column: its prices are played as they are."
    for row in history.rejections[:_EXAMPLES]:
        yield f"rejected {row.place}: {row.fault}"
    if len(history.rejections) > _EXAMPLES:
        yield f"rejected {len(history.rejections) - _EXAMPLES:,} more; the summary counts them by reason"
    if history.out_of_order:
        yield f"put in order: {history.out_of_order.total():,} rows that stood after a later one of their symbol"
    for symbol, days in history.gaps.items():
        some = ", ".join(map(str, days[:_DAYS])) + (", …" if len(days) > _DAYS else "")
        yield f"gaps of {symbol}: {len(days):,} ({some})"

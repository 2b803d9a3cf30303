"""Which files, symbols and days to play, as a user says it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from datetime import date
from importlib.resources import files
from pathlib import Path

from maf_core.errors import UnknownNameError, UsageError
from maf_plugin_trtools2.history import History
from maf_plugin_trtools2.moments import day_of

SAMPLE_TIMEFRAME = "1d"


def files_to_play(named: Sequence[Path], timeframe: str, *, sample: bool) -> list[Path]:
    """The named files, or the bundled sample.

    Raises `UsageError` when that is neither or both, and for a sample of a timeframe it does not have.
    """
    if bool(named) == sample:
        raise UsageError("Name the files to play, or --sample for the bundled bars: one of the two.")
    if not sample:
        return list(named)
    if timeframe != SAMPLE_TIMEFRAME:
        raise UsageError(f"The sample holds daily bars; leave --timeframe {timeframe} away.")
    return [Path(str(files("maf_plugin_trtools2") / "data" / "bars_1d.csv.gz"))]


def select(history: History, symbols: Sequence[str], first: date | None, last: date | None) -> History:
    """The part of the history to play; no symbols means all.

    Raises `UsageError` when a symbol does not occur or nothing is left.
    """
    for symbol in symbols:
        _check_known(symbol, history.symbols)
    chosen = history.of_symbols(symbols) if symbols else history
    part = chosen.between(first, last)
    if not part.bars:
        raise UsageError(_nothing_left(chosen))
    return part


def _check_known(symbol: str, known: list[str]) -> None:
    if symbol not in known:
        near = difflib.get_close_matches(symbol, known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UnknownNameError(f"No file holds the symbol {symbol!r}.{hint} There are: {', '.join(known) or 'none'}.")


def _nothing_left(chosen: History) -> str:
    if chosen.bars:
        days = sorted({day_of(bar) for bar in chosen.bars})
        return (
            f"No bar lies between these days. The bars go from {days[0]} to {days[-1]}; choose --from and --to there."
        )
    faults = "; ".join(f"{count} × {reason}" for reason, count in chosen.rejected_by_reason.items())
    return f"The files hold no bar to play. Rejected: {faults or 'nothing'}. Mend them, or try --sample."

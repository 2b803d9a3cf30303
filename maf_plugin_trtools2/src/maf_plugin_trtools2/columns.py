"""Which column of a file holds which field of a bar."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from maf_core.errors import UsageError

ADJUSTED = "adj_close"
# Compared in small letters, with blanks as underscores.
_NAMES = {
    "symbol": ("symbol", "ticker", "s"),
    "t": ("date", "t", "ts", "timestamp", "time", "datetime"),
    "o": ("open", "o"),
    "h": ("high", "h"),
    "l": ("low", "l"),
    "c": ("close", "c"),
    "v": ("volume", "v"),
    ADJUSTED: ("adj_close", "adjclose", "adjusted_close"),
}


def locate(path: Path, header: Sequence[str]) -> dict[str, int]:
    """The position of each field's column; `adj_close` may be absent.

    Raises `UsageError` naming the file, what is missing and what there is.
    """
    names = [name.strip().lower().replace(" ", "_") for name in header]
    found = {
        field: min(names.index(alias) for alias in aliases if alias in names)
        for field, aliases in _NAMES.items()
        if any(alias in names for alias in aliases)
    }
    missing = [repr(aliases[0]) for field, aliases in _NAMES.items() if field not in found and field != ADJUSTED]
    if missing:
        raise UsageError(
            f"{path} has no column {', '.join(missing)}. Its columns are: {', '.join(header) or 'none'}. "
            "Name the columns in the first line."
        )
    return found

"""Tables of plain text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(*rows: Sequence[str]) -> str:
    """The rows with their columns in line; the last one ends where it ends."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    return "\n".join("  ".join([*map(str.ljust, row, widths), row[-1]]) for row in rows)


def listed(names: Iterable[str]) -> str:
    """Names between commas, a dash for none."""
    return ", ".join(names) or "-"

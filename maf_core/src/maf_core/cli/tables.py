"""Plain text for terminals: tables, and other people's words without the power to move the cursor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(*rows: Sequence[str]) -> str:
    """The rows with their columns in line; the last one ends where it ends."""
    shown = [[plain(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)][:-1]
    return "\n".join("  ".join([*map(str.ljust, row, widths), row[-1]]) for row in shown)


def listed(names: Iterable[str]) -> str:
    """Names between commas, a dash for none."""
    return ", ".join(names) or "-"


def plain(words: str) -> str:
    """The words on one line, with everything that a terminal does not simply print written as an escape (\\x1b)."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in words)


def cut(words: str, most: int) -> str:
    """The words, with an ellipsis for what is more than `most` characters."""
    return words if len(words) <= most else f"{words[: most - 1]}…"


def duration(seconds: float) -> str:
    """A length of time in its largest unit, such as `3 h`."""
    for unit, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"

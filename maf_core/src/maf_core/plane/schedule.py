"""What is to be refreshed, and when each of it is due."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to refresh: a watched id, and which variant of it, such as a timeframe.

    `attrs`: what the watch list says about it. `as_of`: what may be known when it is refreshed.
    """

    id: str
    variant: str = ""
    attrs: Mapping[str, Any] = field(default_factory=dict, compare=False)
    as_of: datetime = field(default_factory=lambda: datetime.now(UTC), compare=False)

    @property
    def key(self) -> str:
        """The id and the variant as one word."""
        return f"{self.id}:{self.variant}" if self.variant else self.id


@dataclass(slots=True)
class _Row:
    target: Target
    due: float
    at_work: bool = False


class Schedule:
    """Targets and when they are due, in seconds of whatever clock the caller reads."""

    def __init__(self) -> None:
        self._rows: dict[Target, _Row] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Target]:
        return (row.target for row in self._rows.values())

    def keep(self, targets: Iterable[Target], now: float) -> list[Target]:
        """Know these and no others, and return those that are forgotten. New ones are due now."""
        before, self._rows = self._rows, {}
        for target in targets:
            row = before.pop(target, None) or _Row(target, now)
            row.target = target
            self._rows[target] = row
        return list(before)

    def take(self, now: float, count: int, fits: Callable[[Target], bool]) -> list[Target]:
        """Those that are due and fit, the longest due first, at most `count`: they are at work until put back."""
        due = [row for row in self._rows.values() if row.due <= now and not row.at_work and fits(row.target)]
        due.sort(key=lambda row: row.due)
        for row in due[:count]:
            row.at_work = True
        return [row.target for row in due[:count]]

    def put_back(self, target: Target, due: float) -> None:
        """Be due again then. What nobody knows any more stays forgotten."""
        row = self._rows.get(target)
        if row is not None:
            row.due, row.at_work = due, False

    def hurry(self, target: Target, due: float) -> None:
        """Be due by then, if not before."""
        row = self._rows.get(target)
        if row is not None:
            row.due = min(row.due, due)

    def next_due(self, now: float) -> float | None:
        """When, after now, the next one comes up; None when none does."""
        return min((row.due for row in self._rows.values() if row.due > now), default=None)

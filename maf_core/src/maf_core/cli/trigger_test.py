"""What `maf trigger test` prints: for each sample what the rule says of it, or the place of a mistake in the rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic_core import to_json

from maf_core.cli.payloads import brief
from maf_core.cli.samples import Sample
from maf_core.cli.tables import cut, plain, table
from maf_core.errors import ConfigError, ExpressionError
from maf_core.plane.trying import Says, Tried, trial

ResultT = TypeVar("ResultT")

# Characters: of a value, and of a rule around its mistake.
_VALUE = 40
_AROUND = 60


class Report:
    """A rule, tried on samples."""

    def __init__(self, when: str, target: str | None, samples: list[Sample]) -> None:
        """Try it; raises `ConfigError` that shows the place when rule or template is wrong."""
        _marked(lambda: trial(when), when)
        tried = _marked(lambda: trial(when, target), target or "")
        self._when = when
        self._with_target = target is not None
        self._rows = [(sample, None if sample.fault else tried(sample.payload)) for sample in samples]

    @property
    def fires(self) -> bool:
        """Whether it holds for at least one sample, and its target can be filled."""
        return any(tried.fires for _, tried in self._rows if tried)

    def as_table(self) -> str:
        """A line for each sample, and one that counts."""
        heading = ("SAMPLE", "RULE", *(["TARGET"] if self._with_target else []), "WHY")
        return f"{table(heading, *(self._cells(*row) for row in self._rows))}\n\n{self._counted()}"

    def as_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {"when": self._when, "fires": self.fires, "samples": [_as_object(*row) for row in self._rows]}

    def _cells(self, sample: Sample, tried: Tried | None) -> tuple[str, ...]:
        if tried is None:
            return sample.name, "unreadable", *(["-"] if self._with_target else []), sample.fault
        target = "-" if tried.target is None else cut(brief(tried.target), _VALUE)
        saw = ", ".join(f"{name} = {_short(value)}" for name, value in tried.saw.items())
        why = tried.why or tried.target_fault or saw
        return sample.name, tried.says, *([target] if self._with_target else []), why

    def _counted(self) -> str:
        counts = Counter(tried.says if tried else "unreadable" for _, tried in self._rows)
        said = ", ".join(f"{what}: {counts[what]}" for what in (*Says, "unreadable") if counts[what])
        return f"{len(self._rows)} sample{'s' * (len(self._rows) != 1)}; {said}."


def _as_object(sample: Sample, tried: Tried | None) -> dict[str, Any]:
    if tried is None:
        return {"sample": sample.name, "rule": "unreadable", "why": sample.fault}
    why = tried.why or tried.target_fault
    return {"sample": sample.name, "rule": tried.says, "why": why, "saw": tried.saw, "target": tried.target}


def _short(value: Any) -> str:
    """A value as JSON, so that text and numbers can be told apart."""
    return cut(to_json(value, inf_nan_mode="constants").decode(), _VALUE)


def _marked(check: Callable[[], ResultT], source: str) -> ResultT:
    """What it gives; where it finds something wrong with `source`, the error shows the place."""
    try:
        return check()
    except ExpressionError as error:
        raise ConfigError(f"{error}{_mark(source, error.column)}") from error


def _mark(source: str, column: int | None) -> str:
    """The part of the source around a column, with a sign under it."""
    if column is None:
        return ""
    start = max(0, column - 1 - _AROUND)
    part = source[start : column + _AROUND]
    before = plain(part[: column - 1 - start])
    return f"\n\n  {plain(part)}\n  {' ' * len(before)}^"

"""What a rule is, and what holding a plugin against it finds."""

from __future__ import annotations

import contextlib
import inspect
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from maf_core.testing.static.subject import Subject

_DOCSTRING = re.compile(r"(?P<id>MAF-[A-Z]\d\d) (?P<text>.+?)\n\n(?P<reason>.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Fault:
    """What breaks a rule, and what to do about it. One that is not `grave` works today and will have to change."""

    what: str
    fix: str
    grave: bool = True


Rule = Callable[[Subject], Iterable[Fault]]


@dataclass(frozen=True, slots=True)
class RuleText:
    """A rule in words: its number, what it asks for, and why."""

    id: str
    text: str
    reason: str

    @classmethod
    def of(cls, documented: Any) -> RuleText:
        """Read it from a docstring: number and rule, an empty line, the reason."""
        found = _DOCSTRING.fullmatch(inspect.getdoc(documented) or "")
        if found is None:
            raise ValueError(f"{documented.__qualname__} has no docstring of number, rule, empty line and reason")
        return cls(*(" ".join(part.split()) for part in found.groups()))


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule and its faults; `ok` when none is grave."""

    rule: RuleText
    faults: tuple[Fault, ...]

    @classmethod
    def of(cls, rule: Rule, subject: Subject) -> Finding:
        """Hold a plugin against a rule. It is other people's code: whatever it raises is a fault of its own."""
        text = RuleText.of(rule)
        try:
            # What it prints on import must not end up in the middle of our JSON.
            with contextlib.redirect_stdout(sys.stderr):
                return cls(text, tuple(rule(subject)))
        except (Exception, SystemExit) as error:  # noqa: BLE001
            return cls(text, (Fault(f"{type(error).__name__}: {error}", "Mend what raises it."),))

    @property
    def ok(self) -> bool:
        """Whether the rule is kept."""
        return not any(fault.grave for fault in self.faults)

    @property
    def status(self) -> str:
        """`ok`, `BAD`, or `old` when something is to be migrated."""
        return "BAD" if not self.ok else "old" if self.faults else "ok"

    def as_json(self) -> dict[str, Any]:
        """The finding as plain data."""
        return {**asdict(self.rule), "status": self.status, "faults": [asdict(fault) for fault in self.faults]}

"""Try a rule on sample payloads: what it says of each, what it saw, and the target it would send."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from maf_core.errors import ExpressionError
from maf_core.plane.expressions import Expression
from maf_core.plane.language.grammar import fields
from maf_core.plane.templates import Template


class Says(StrEnum):
    """What a rule says of a payload."""

    TRUE = "true"
    NOT_TRUE = "not true"
    DOES_NOT_APPLY = "does not apply"


@dataclass(frozen=True, slots=True)
class Tried:
    """One payload. `saw`: the fields the rule looks at, as far as they are there; `why`: what does not fit.

    `target` is None when the rule is not true, without a template, and when that cannot be filled (`target_fault`).
    """

    says: Says
    why: str = ""
    saw: dict[str, Any] = field(default_factory=dict)
    target: Any = None
    target_fault: str = ""

    @property
    def fires(self) -> bool:
        """Whether a command would be sent, cooldown aside."""
        return self.says is Says.TRUE and not self.target_fault


def trial(when: str, target: str | None = None) -> Callable[[Any], Tried]:
    """Compile a rule to try it; raises `ExpressionError` when it is wrong."""
    rule = Expression(when)
    looked_at = {text: Expression(text) for text in fields(when)}
    template = None if target is None else Template(target)

    def tried(payload: Any) -> Tried:
        saw = {}
        for text, expression in looked_at.items():
            with suppress(ExpressionError):
                saw[text] = expression(payload)
        if rule.holds(payload):
            return Tried(Says.TRUE, "", saw, *_filled(template, payload))
        why = rule.why_not(payload)
        return Tried(Says.DOES_NOT_APPLY if why else Says.NOT_TRUE, why, saw)

    return tried


def _filled(template: Template | None, payload: Any) -> tuple[Any, str]:
    if template is None:
        return None, ""
    try:
        return template.fill(payload), ""
    except ExpressionError as error:
        return None, str(error)

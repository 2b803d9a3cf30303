"""What a decision was made from, as text by which like ones are found. Made by code, from the run's state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_MOST_LINES = 40
_LINE = 300


def situation(state: Mapping[str, Any]) -> str:
    """The target, the rule that set the run off, who said what, who abstained, and what was missing: a line each.

    What the state lacks or has wrong is left out. Before the first phase that leaves the target and the rule.
    """
    lines = [*_target(state), *_trigger(state), *_signals(state), *_silent(state), *_gaps(state)]
    return "\n".join(one_line(line, _LINE) for line in lines[:_MOST_LINES])


def one_line(value: Any, most: int) -> str:
    """A value as at most `most` printable characters on one line, so that nobody's words can pose as other lines."""
    printable = "".join(letter if letter.isprintable() else " " for letter in str(value)[: 2 * most])
    return " ".join(printable.split())[:most]


def _target(state: Mapping[str, Any]) -> Iterator[str]:
    # The date is another one every day; it makes no situation like another.
    parts = [f"{key} {value}" for key, value in sorted(_mapping(state, "target").items()) if key != "trade_date"]
    if parts:
        yield f"target: {', '.join(parts)}"


def _trigger(state: Mapping[str, Any]) -> Iterator[str]:
    rule = _mapping(state, "trigger").get("rule")
    if rule:
        yield f"trigger: {rule}"


def _signals(state: Mapping[str, Any]) -> Iterator[str]:
    for agent, signal in sorted(_mapping(state, "signals").items()):
        if isinstance(signal, Mapping):
            factors = signal.get("key_factors")
            said = [signal.get("summary"), *(factors if isinstance(factors, list) else ())]
            words = "; ".join(str(part) for part in said if part)
            yield f"{agent} {signal.get('signal', '')} {_strength(signal.get('confidence'))}: {words}"


def _strength(confidence: Any) -> str:
    """A word, because 0.81 and 0.82 have nothing in common as text."""
    if not isinstance(confidence, int | float):
        return ""
    return "strong" if confidence >= 2 / 3 else "moderate" if confidence >= 1 / 3 else "weak"


def _silent(state: Mapping[str, Any]) -> Iterator[str]:
    for agent, reason in sorted(_mapping(state, "abstentions").items()):
        if reason:
            yield f"{agent} abstained: {reason}"


def _gaps(state: Mapping[str, Any]) -> Iterator[str]:
    found = {str(gap) for gaps in _mapping(state, "gaps").values() if isinstance(gaps, list) for gap in gaps}
    if found:
        yield f"gaps: {' '.join(sorted(found))}"


def _mapping(state: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = state.get(key)
    return value if isinstance(value, Mapping) else {}

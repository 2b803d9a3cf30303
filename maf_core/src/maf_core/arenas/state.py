"""The state of a run: plain JSON data, copied for each agent and merged from patches."""

from __future__ import annotations

from typing import Any

State = dict[str, Any]


def isolated(value: Any) -> Any:
    """A copy of plain JSON data that shares nothing mutable with the original; `TypeError` for anything else."""
    if isinstance(value, dict):
        return {key: isolated(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [isolated(item) for item in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"{type(value).__name__} is not JSON data")


def merge(state: State, patch: State) -> None:
    """Apply a patch in place: nested objects are merged key by key, anything else replaces what was there."""
    for key, value in patch.items():
        known = state.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            merge(known, value)
        else:
            state[key] = isolated(value)

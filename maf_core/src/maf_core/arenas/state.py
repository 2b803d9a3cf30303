"""The state of a run: plain JSON data, copied for each agent and merged from patches."""

from __future__ import annotations

from typing import Any

State = dict[str, Any]


def isolated(value: Any) -> Any:
    """A copy of plain JSON data that shares nothing mutable with the original."""
    if isinstance(value, dict):
        return {key: isolated(item) for key, item in value.items()}
    if isinstance(value, list):
        return [isolated(item) for item in value]
    return value


def merge(state: State, patch: State) -> None:
    """Apply a patch in place: nested objects are merged key by key, anything else replaces what was there."""
    for key, value in patch.items():
        known = state.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            merge(known, value)
        else:
            state[key] = isolated(value)

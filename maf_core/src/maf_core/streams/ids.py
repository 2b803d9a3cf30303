"""Entry ids: their order, and the moment they carry."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_ID = re.compile(r"\d{1,20}-\d{1,20}", re.ASCII)
_LATEST = datetime.max.replace(tzinfo=UTC)


def is_id(value: str) -> bool:
    """Whether this is a whole entry id, such as 1704229200000-0."""
    return _ID.fullmatch(value) is not None


def order(entry_id: str) -> tuple[int, int]:
    """What entry ids are compared by; as text, the longer of two would not be the later."""
    ms, _, seq = entry_id.partition("-")
    return int(ms), int(seq or 0)


def written_at(entry_id: str) -> datetime:
    """When the server took the entry in (UTC), as its id says; whoever adds an entry may choose another id."""
    try:
        return datetime.fromtimestamp(order(entry_id)[0] / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return _LATEST

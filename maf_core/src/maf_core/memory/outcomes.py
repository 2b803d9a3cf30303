"""From an entry of `maf:outcomes:out` to what came of a decision."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from maf_core.clock import parse_time
from maf_core.errors import BadEntryError
from maf_core.memory.base import Outcome
from maf_core.settings import explain


def outcome_of(payload: Mapping[str, Any], now: datetime) -> Outcome | None:
    """What the entry says came of a decision; None for a fill or a dropped order, of which nothing came yet.

    `now` is the service's time. Raises `BadEntryError` when a figure or a time cannot be read.
    """
    figures = {name: payload[name] for name in ("return", "pnl") if payload.get(name) is not None}
    if not figures or payload.get("kind") == "dropped":
        return None
    closed_at = parse_time(payload["closed_at"]) if payload.get("closed_at") else None
    try:
        found = Outcome.model_validate({**figures, "closed_at": closed_at, "known_at": _known_at(payload, now)})
    except ValidationError as error:
        raise BadEntryError(f"the outcome is not valid: {explain(error)}") from error
    return found.model_copy(update={"text": _text(found)})


def _known_at(payload: Mapping[str, Any], now: datetime) -> datetime:
    """What the entry states, else when it was published; never before the close that it tells of.

    During a replay the entry is published at wall time, later than the `now` of the replay, which then counts.
    """
    stated, published, closed = (payload.get(name) for name in ("as_of", "published_at", "closed_at"))
    known = parse_time(stated) if stated else min(now, parse_time(published or now))
    return max(known, parse_time(closed)) if closed else known


def _text(outcome: Outcome) -> str:
    parts = [f"closed on {outcome.closed_at.date()}"] if outcome.closed_at else []
    parts += [f"return {outcome.return_:+.2%}"] if outcome.return_ is not None else []
    parts += [f"profit and loss {outcome.pnl:+.2f}"] if outcome.pnl is not None else []
    return ", ".join(parts)

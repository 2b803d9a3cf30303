"""From an execution to an order."""

from __future__ import annotations

from pydantic import ValidationError

from maf_core import BadEntryError, Entry, ExecutionEnvelope
from maf_core.clock import parse_time
from maf_core.settings import explain
from maf_plugin_paper.account import Order

ENGINE = "paper"


def order_of(entry: Entry) -> Order | None:
    """The order an execution stands for; None for one that is not approved, for a HOLD, and for another engine's.

    An action without `meta.as_of` was decided when it was published. Raises `BadEntryError` for what is no execution.
    """
    try:
        execution = ExecutionEnvelope.model_validate(entry.payload)
    except ValidationError as error:
        raise BadEntryError(f"the execution is not valid: {explain(error)}") from error
    action = execution.action
    if execution.status != "approved" or action.verdict == "HOLD" or execution.engine != ENGINE:
        return None
    return Order(
        arena=action.arena,
        arena_id=action.arena_id,
        correlation_id=action.correlation_id,
        ticker=action.target.ticker,
        side=action.verdict,
        size_fraction=action.sizing.size_fraction,
        as_of=parse_time(action.meta.get("as_of") or action.published_at),
        execution=entry.id,
    )

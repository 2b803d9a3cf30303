"""The entries of `maf:outcomes:out`, but for `published_at`, which is set when they are written."""

from __future__ import annotations

from typing import Any

from maf_core import Bar
from maf_plugin_paper.account import Order, Position
from maf_plugin_paper.pricing import Fill

Outcome = dict[str, Any]
_DAY = 86_400


def filled(order: Order, bar: Bar, fill: Fill) -> Outcome:
    """An order was carried out."""
    return {
        "kind": "fill",
        **_head(order),
        "quantity": fill.quantity,
        "price": fill.price,
        "value": fill.value,
        "slippage": fill.slippage,
        "fee": fill.fee,
        "filled_at": bar.t.isoformat(),
        "execution": {
            "entry_id": order.execution,
            "as_of": order.as_of.isoformat(),
            "size_fraction": order.size_fraction,
        },
    }


def closed(position: Position, order: Order, bar: Bar, fill: Fill, pnl: float) -> Outcome:
    """A position was closed; it belongs to the run that opened it. `return` is net, on what the position cost."""
    opening = position.order
    return {
        "kind": "close",
        "arena": opening.arena,
        "arena_id": opening.arena_id,
        "closing_arena_id": order.arena_id,
        "correlation_id": opening.correlation_id,
        "ticker": opening.ticker,
        "quantity": fill.quantity,
        "entry_price": position.entry_price,
        "exit_price": fill.price,
        "pnl": pnl,
        "return": round(pnl / position.cost, 8),
        "opened_at": position.opened_at.isoformat(),
        "closed_at": bar.t.isoformat(),
        "holding_days": round((bar.t - position.opened_at).total_seconds() / _DAY, 4),
    }


def dropped(order: Order, reason: str) -> Outcome:
    """An order will never be carried out."""
    return {"kind": "dropped", **_head(order), "reason": reason}


def _head(order: Order) -> Outcome:
    return {
        "arena": order.arena,
        "arena_id": order.arena_id,
        "correlation_id": order.correlation_id,
        "ticker": order.ticker,
        "side": order.side,
    }

"""A market from what the source `polymarket_market` answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maf_core import BadEntryError
from maf_core.clock import parse_time
from maf_plugin_crowd.decisions.polymarket import Market, Quote


def market_of(row: Any) -> Market | None:
    """The market of a row; None when there is none, or its prices are no numbers.

    A row has `yes` and `no` ({ask, bid, shares} or None), `mid`, `fee_rate`, `fee_exponent`, `min_shares`, `open`,
    `ends_at` and `fault`.
    """
    if not isinstance(row, Mapping):
        return None
    try:
        return Market(
            yes=_quote(row.get("yes")),
            no=_quote(row.get("no")),
            mid=float(row["mid"]) if row.get("mid") is not None else float("nan"),
            fee_rate=float(row.get("fee_rate") or 0.0),
            fee_exponent=float(row.get("fee_exponent") or 1.0),
            min_shares=float(row.get("min_shares") or 5.0),
            open=row.get("open", True) is True,
            ends_at=parse_time(row["ends_at"]) if row.get("ends_at") else None,
            fault=str(row.get("fault") or ""),
        )
    except (TypeError, ValueError, KeyError, BadEntryError):
        return None


def _quote(side: Any) -> Quote | None:
    if not side:
        return None
    bid = side.get("bid")
    return Quote(float(side["ask"]), float(side["shares"]), None if bid is None else float(bid))

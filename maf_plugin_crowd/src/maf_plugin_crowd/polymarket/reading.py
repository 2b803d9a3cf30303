"""What Polymarket's answers mean: JSON inside of strings, books in any order, fields that may be missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any

from pydantic_core import from_json

_FOR = ("yes", "up")
_AGAINST = ("no", "down")


def number(value: Any) -> float | None:
    """A finite number, also one that is written as text; else None."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if isfinite(found) and not isinstance(value, bool) else None


def listed(value: Any) -> list[Any]:
    """A list, also one that is JSON inside of a string; else an empty one."""
    if isinstance(value, str):
        try:
            value = from_json(value)
        except ValueError:
            return []
    return value if isinstance(value, list) else []


def tokens(market: Mapping[str, Any]) -> tuple[str, str] | None:
    """The tokens of YES and NO, by the names of their outcomes: their order says nothing. None without such names."""
    named = {
        str(token.get("outcome", "")).strip().casefold(): str(token["token_id"])
        for token in listed(market.get("tokens"))
        if isinstance(token, Mapping) and token.get("token_id")
    }
    yes, no = (next((named[name] for name in names if name in named), None) for names in (_FOR, _AGAINST))
    return (yes, no) if yes and no and len(named) == 2 else None


def quote(book: Mapping[str, Any]) -> dict[str, Any] | None:
    """{ask, shares, bid} of a book, whichever way it is sorted; None when nobody sells."""
    asks, bids = list(_levels(book.get("asks"))), list(_levels(book.get("bids")))
    if not asks:
        return None
    ask = min(price for price, _ in asks)
    return {
        "ask": ask,
        "shares": sum(size for price, size in asks if price == ask),
        "bid": max((price for price, _ in bids), default=None),
    }


def fees(market: Mapping[str, Any]) -> tuple[float, float]:
    """Rate and exponent of the taker's fee; 0 where fees are off or not stated. `takerBaseFee` is not the fee."""
    schedule = market.get("feeSchedule")
    if market.get("feesEnabled") is False or not isinstance(schedule, Mapping):
        return 0.0, 1.0
    return number(schedule.get("rate")) or 0.0, number(schedule.get("exponent")) or 1.0


def history(answer: Mapping[str, Any], until: float) -> list[dict[str, float]]:
    """{t, p} points up to a moment (Unix time), oldest first."""
    rows = [row for row in listed(answer.get("history")) if isinstance(row, Mapping)]
    points = [(number(row.get("t")), number(row.get("p"))) for row in rows]
    known = sorted((t, p) for t, p in points if t is not None and p is not None and t <= until and 0 <= p <= 1)
    return [{"t": t, "p": p} for t, p in known]


def _levels(rows: Any) -> Iterable[tuple[float, float]]:
    for row in listed(rows):
        price, size = (
            (number(row.get(name)) for name in ("price", "size")) if isinstance(row, Mapping) else (None, None)
        )
        if price is not None and size is not None and size > 0:
            yield price, size

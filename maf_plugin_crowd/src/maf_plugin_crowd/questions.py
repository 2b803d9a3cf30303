"""What is put before the crowd: a report, a bet or a strategy, read under the usual names of its fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from maf_core import BadEntryError
from maf_core.sources.fields import known_from, number_of, required_text, text_of, value_of
from maf_core.sources.reports import parse_report

_CREATED = ("created_at", "published_at", "generated_at", "placed_at", "ts", "t", "timestamp")
_TEXT = 4000


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing to ask the crowd about: plain facts, and since when they are known."""

    source_id: str
    as_of: datetime
    facts: dict[str, Any]


def read_report(payload: Mapping[str, Any]) -> Asked:
    """A report: what becomes of the share it names?"""
    report = parse_report(payload)
    facts = {
        "text": f"{report.title}\n{report.text}"[:_TEXT],
        "symbol": report.symbols[0] if report.symbols else "",
        "sentiment": report.sentiment,
    }
    return Asked(report.id, report.as_of, facts)


def read_bet(payload: Mapping[str, Any]) -> Asked:
    """A bet: does it come true?"""
    _, as_of = known_from(payload, *_CREATED)
    facts = {
        "text": required_text(payload, "question", "title", "text", "market")[:_TEXT],
        "condition_id": text_of(payload, "condition_id", "conditionId", "market_id"),
        "ends_at": text_of(payload, "ends_at", "end_date", "endDate", "resolves_at"),
        "bankroll_usd": number_of(payload, "bankroll_usd", "bankroll"),
        "market": _object(payload, "quote", "market_data"),
        "history": _history(payload),
    }
    return Asked(required_text(payload, "bet_id", "id", "source_id", "slug"), as_of, facts)


def read_strategy(payload: Mapping[str, Any]) -> Asked:
    """A strategy's trade: does it pay? `side` YES or NO says on what; YES unless it says so."""
    _, as_of = known_from(payload, *_CREATED)
    side = text_of(payload, "side", "pick", "position").upper()
    facts = {
        "text": required_text(payload, "question", "event", "description", "title", "text")[:_TEXT],
        "side": "NO" if side in ("NO", "AGAINST", "LAY", "SHORT", "UNDER") else "YES",
        "probability": _unit(payload, "probability", "win_probability", "p"),
        "odds": number_of(payload, "odds", "decimal_odds", "price"),
        "starts_at": text_of(payload, "starts_at", "event_time", "start_time"),
        "history": _history(payload),
    }
    return Asked(required_text(payload, "strategy_id", "id", "source_id", "trade_id"), as_of, facts)


READERS: dict[str, Callable[[Mapping[str, Any]], Asked]] = {
    "fomo2_report": read_report,
    "polymarket_bet": read_bet,
    "oddsoddy_strategy": read_strategy,
}


def _object(payload: Mapping[str, Any], *names: str) -> dict[str, Any] | None:
    found = value_of(payload, *names)
    return found if isinstance(found, dict) else None


def _history(payload: Mapping[str, Any]) -> list[float]:
    """The prices of YES so far, oldest first, as whoever asks knows them; what is no price is left out."""
    found = value_of(payload, "history", "prices")
    rows = found if isinstance(found, list) else []
    prices = [row.get("p", row.get("price")) if isinstance(row, Mapping) else row for row in rows]
    return [float(price) for price in prices if _is_number(price) and 0 <= price <= 1]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _unit(payload: Mapping[str, Any], *names: str) -> float | None:
    found = number_of(payload, *names)
    if found is not None and not 0 <= found <= 1:
        raise BadEntryError(f"{names[0]} {value_of(payload, *names)!r} is not within 0 to 1")
    return found

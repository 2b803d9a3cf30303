"""The source `trtools2_news`: news items that name a symbol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json

from maf_core import BadEntryError
from maf_plugin_trtools2.config import NewsConfig
from maf_plugin_trtools2.fields import SYMBOL, known_from, required_text, text_of, value_of
from maf_plugin_trtools2.window import Known, WindowSource


class NewsSource(WindowSource):
    """Answers with {id, headline, summary, symbols, created_at, source, url} rows; known from `created_at`."""

    name = "trtools2_news"
    Config = NewsConfig
    untrusted = True

    def parse(self, payload: dict[str, Any]) -> tuple[list[str], Known]:
        """Read a news item as Alpaca's, under the usual names of its fields."""
        created, as_of = known_from(payload, "created_at", "published_at", "t", "ts", "timestamp")
        headline = required_text(payload, "headline", "title")
        symbols = _symbols(payload)
        row = {
            "id": text_of(payload, "id"),
            "headline": headline,
            "summary": text_of(payload, "summary"),
            "symbols": symbols,
            "created_at": created.isoformat(),
            "source": text_of(payload, "source"),
            "url": text_of(payload, "url"),
        }
        return symbols, Known(as_of, row["id"] or (headline, created), row)


def _symbols(payload: Mapping[str, Any]) -> list[str]:
    """The symbols of an item, each once: a list, or as flat fields carry one, JSON or words between commas."""
    found = payload.get("symbols")
    if found is None:
        found = value_of(payload, "tickers", *SYMBOL)
    if isinstance(found, str):
        found = _split(found)
    if not isinstance(found, list) or not all(isinstance(symbol, str) for symbol in found):
        raise BadEntryError("the entry has no list of symbols")
    return list(dict.fromkeys(symbol.strip().upper() for symbol in found if symbol.strip()))


def _split(text: str) -> Any:
    if not text.lstrip().startswith("["):
        return text.split(",")
    try:
        return from_json(text)
    except ValueError as error:
        raise BadEntryError(f"symbols cannot be decoded: {error}") from error

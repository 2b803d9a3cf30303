"""The source `trtools2_news`: news items that name a symbol."""

from __future__ import annotations

from typing import Any

from maf_core.sources.fields import SYMBOL, known_from, required_text, symbols_of, text_of
from maf_core.sources.window import Known, WindowSource
from maf_plugin_trtools2.config import NewsConfig


class NewsSource(WindowSource):
    """Answers with {id, headline, summary, symbols, created_at, source, url} rows; known from `created_at`."""

    name = "trtools2_news"
    Config = NewsConfig
    untrusted = True

    def parse(self, payload: dict[str, Any]) -> tuple[list[str], Known]:
        """Read a news item as Alpaca's, under the usual names of its fields."""
        created, as_of = known_from(payload, "created_at", "published_at", "t", "ts", "timestamp")
        headline = required_text(payload, "headline", "title")
        symbols = symbols_of(payload, "symbols", "tickers", *SYMBOL)
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

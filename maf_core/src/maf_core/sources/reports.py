"""Reports as they stand on streams such as `fomo2:reports`: read under the usual names of their fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from maf_core.errors import BadEntryError
from maf_core.sources.fields import SYMBOL, known_from, number_of, symbols_of, text_of, value_of

_CREATED = ("created_at", "published_at", "generated_at", "ts", "t", "timestamp")
_SYMBOLS = ("symbols", "tickers", *SYMBOL)


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody wrote about some symbols.

    `created_at`: when it was written; `as_of`: when it became known, never earlier. `sentiment` in [-1, 1], or None
    when it states none. A report without an id gets one of its title and time, the same for whoever reads it.
    """

    id: str
    title: str
    text: str
    symbols: tuple[str, ...]
    created_at: datetime
    as_of: datetime
    source: str = ""
    url: str = ""
    sentiment: float | None = None

    def row(self, max_chars: int) -> dict[str, Any]:
        """As plain JSON, the text cut at `max_chars` characters."""
        return {
            "id": self.id,
            "title": self.title,
            "text": self.text[:max_chars],
            "cut": len(self.text) > max_chars,
            "symbols": list(self.symbols),
            "created_at": self.created_at.isoformat(),
            "source": self.source,
            "url": self.url,
            "sentiment": self.sentiment,
        }


def parse_report(payload: Mapping[str, Any], written_at: datetime | None = None) -> Report:
    """Read a report; raises `BadEntryError` naming what it lacks.

    `written_at`: when its entry was, which counts for a report that states no time of its own.
    """
    if written_at is not None and value_of(payload, *_CREATED) is None:
        payload = {**payload, _CREATED[0]: written_at}
    created, as_of = known_from(payload, *_CREATED)
    text = text_of(payload, "text", "body", "content", "report", "markdown", "summary")
    title = text_of(payload, "title", "headline", "subject") or text[:120]
    if not title:
        raise BadEntryError("the report has neither title nor text")
    return Report(
        id=text_of(payload, "report_id", "id", "uid") or uuid5(NAMESPACE_URL, f"{title}\n{created.isoformat()}").hex,
        title=title,
        text=text,
        symbols=tuple(_symbols(payload)),
        created_at=created,
        as_of=as_of,
        source=text_of(payload, "source", "author"),
        url=text_of(payload, "url", "link"),
        sentiment=_sentiment(payload),
    )


def _symbols(payload: Mapping[str, Any]) -> list[str]:
    """A report may be about no symbol at all; what it says of them must be readable."""
    if all(payload.get(name) is None for name in _SYMBOLS):
        return []
    return symbols_of(payload, *_SYMBOLS)


def _sentiment(payload: Mapping[str, Any]) -> float | None:
    sentiment = number_of(payload, "sentiment", "sentiment_score")
    if sentiment is not None and not -1 <= sentiment <= 1:
        raise BadEntryError(f"sentiment {sentiment:g} is not within -1 to 1")
    return sentiment

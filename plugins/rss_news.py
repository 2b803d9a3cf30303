"""One-file plugin: the source `rss_news` reads an RSS 2.0 or Atom feed from a file or a URL. In an arena:

    news: {source: rss_news, config: {feed: "https://example.com/rss?s={symbol}", window_hours: 72}}

Without `{symbol}`, items that name the symbol as a word count. Parsed by the standard library, which for two plain
formats is less to trust than a feed library; a DTD is refused, since entity bombs come from there."""

from __future__ import annotations

import asyncio
import re
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from pathlib import Path
from urllib.parse import quote
from xml.etree.ElementTree import TreeBuilder
from xml.parsers import expat

from pydantic import Field

from maf_core import BaseSource, ExternalFreshness, SourceConfig, SourceQuery, SourceResult, SourceSpec, hookimpl
from maf_core.clock import parse_time
from maf_core.errors import BadEntryError, SourceError

_ATOM = "http://www.w3.org/2005/Atom}"


@hookimpl
def maf_sources() -> Iterator[SourceSpec]:
    """The source `rss_news`."""
    yield SourceSpec(name="rss_news", factory=RssNews, summary="News items from an RSS or Atom feed")


class RssNewsConfig(SourceConfig):
    """Which feed (a path or a URL), and how far back its items count."""

    feed: str
    window_hours: float = Field(72.0, gt=0)


class RssNews(BaseSource):
    """Answers with {headline, summary, created_at, url} rows, newest last. Gaps: no_rss_news, parse_fail_rss_news."""

    name, untrusted = "rss_news", True
    Config = RssNewsConfig
    config: RssNewsConfig

    @classmethod
    def freshness_spec(cls, config: RssNewsConfig) -> ExternalFreshness:
        """Nothing on the server: the data is in the feed."""
        return ExternalFreshness()

    async def fetch(self, query: SourceQuery) -> SourceResult:
        """The items known at `query.as_of`. One without a date is left out: nobody can say when it became known."""
        symbol, window = str(query.target["ticker"]), timedelta(hours=self.config.window_hours)
        raw = await asyncio.to_thread(self._load, self.config.feed.replace("{symbol}", quote(symbol, safe="")))
        try:
            dated = sorted(_items(raw), key=lambda item: item[0])
        except (expat.ExpatError, BadEntryError):
            return SourceResult(None, gaps=("parse_fail_rss_news",))
        recent = [(at, row) for at, row in dated if query.as_of - window < at <= query.as_of]
        word = "" if "{symbol}" in self.config.feed else rf"\b{re.escape(symbol)}\b"
        rows = [{**row, "created_at": at.isoformat()} for at, row in recent if re.search(word, " ".join(row.values()))]
        if not rows:
            return SourceResult(None, gaps=("no_rss_news",))
        return SourceResult(rows, parse_time(rows[-1]["created_at"]), size_bytes=len(raw))

    def _load(self, feed: str) -> bytes:
        try:
            if not feed.startswith(("http://", "https://")):
                return Path(feed).read_bytes()
            with urllib.request.urlopen(feed, timeout=10) as answer:  # noqa: S310 (http, as checked)
                return bytes(answer.read())
        except (OSError, HTTPException, ValueError) as error:
            raise SourceError(f"{feed} cannot be read: {error}. Set `feed` of rss_news right.") from error


def _refuse_dtd(*_: object) -> None:
    raise BadEntryError("the feed has a DTD")


def _items(raw: bytes) -> Iterator[tuple[datetime, dict[str, str]]]:
    builder, parser = TreeBuilder(), expat.ParserCreate(namespace_separator="}")
    parser.StartElementHandler, parser.EndElementHandler = builder.start, builder.end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = builder.data, _refuse_dtd
    parser.Parse(raw, True)
    for node in builder.close().iter():
        if node.tag not in ("item", f"{_ATOM}entry"):
            continue
        text = {child.tag.removeprefix(_ATOM): " ".join("".join(child.itertext()).split()) for child in node}
        links = [str(link.get("href")) for link in node.iter(f"{_ATOM}link")]
        summary, url = text.get("description") or text.get("summary", ""), text.get("link") or " ".join(links[:1])
        with suppress(BadEntryError, ValueError):  # Atom's `updated` is the later date: since then it stands as it does
            at = parsedate_to_datetime(text["pubDate"]) if "pubDate" in text else text.get("updated")
            yield parse_time(at), {"headline": text.get("title", ""), "summary": summary, "url": url}

"""Questions to try the crowd with: reports made of the bars that stand on the stream, and a few bets and strategies."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from maf_core import BadEntryError, Bar, parse_bar, publish_once
from maf_core.streams import codec, raw
from maf_plugin_crowd.occasions import strongest
from maf_plugin_crowd.questions_source import STREAMS

BARS = "trtools2:bars:1d"
_IDS = {"fomo2_report": "report_id", "polymarket_bet": "bet_id", "oddsoddy_strategy": "strategy_id"}
_PAGE = 2000


async def put_questions(redis: Redis, first: date | None, last: date | None, most: int) -> dict[str, int]:
    """Put reports, bets and strategies on their streams, each once, and say how many of each there are."""
    bars = await _bars(redis, first, last)
    questions: dict[str, list[dict[str, Any]]] = {
        "fomo2_report": [one.report() for one in strongest(bars, most)],
        **committed(),
    }
    for source_type, entries in questions.items():
        for entry in entries:
            await publish_once(redis, STREAMS[source_type], str(entry[_IDS[source_type]]), entry)
    return {source_type: len(entries) for source_type, entries in questions.items()}


def committed() -> dict[str, list[dict[str, Any]]]:
    """The bets and strategies that come with this plugin."""
    content: dict[str, list[dict[str, Any]]] = json.loads(
        Path(__file__).with_name("data").joinpath("questions.json").read_text(encoding="utf-8")
    )
    return content


async def _bars(redis: Redis, first: date | None, last: date | None) -> dict[str, list[Bar]]:
    """The daily bars within these days, by symbol, oldest first; one a day."""
    found: dict[str, dict[date, Bar]] = defaultdict(dict)
    async for payload in _payloads(redis):
        try:
            bar = parse_bar(payload, "1d")
        except BadEntryError:
            continue
        day = bar.as_of.date()
        if (first is None or first <= day) and (last is None or day <= last):
            found[bar.symbol].setdefault(day, bar)
    return {symbol: _in_order(bars.values()) for symbol, bars in found.items()}


async def _payloads(redis: Redis) -> Any:
    start = "-"
    while page := raw.entries(await redis.xrange(BARS, min=start, count=_PAGE)):
        for entry_id, fields in page:
            start = f"({entry_id}"
            try:
                yield codec.decode(fields)
            except BadEntryError:
                continue


def _in_order(bars: Iterable[Bar]) -> list[Bar]:
    return sorted(bars, key=lambda bar: bar.as_of)

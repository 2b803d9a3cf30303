"""The sources that read streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from tests.hostile.reading import ALL, NOW, NUMBERS, Payload, Reader, Reading, fetching, symbol

from maf_core import AppContext, SourceQuery
from maf_core.streams import codec
from maf_core.streams.raw import entries
from maf_core.tasks import cancelled
from maf_core.testing import wait_until
from maf_plugin_kronos.store import EMITTED as FORECASTS
from maf_plugin_kronos.store import ForecastStore
from maf_plugin_mirofish.store import EMITTED as SIMULATIONS

_DAY = timedelta(days=1)
_BEFORE = (NOW - _DAY).isoformat()


def bar(number: int, days_ago: int = 1) -> Payload:
    """A bar of this number's symbol."""
    opened = (NOW - days_ago * _DAY).isoformat()
    return {"symbol": symbol(number), "t": opened, "o": 10.0, "h": 12.0, "l": 9.0, "c": 11.0, "v": 5, "as_of": opened}


def report(number: int) -> Payload:
    """A report that names this number's symbol."""
    return {
        "report_id": f"r{number}",
        "title": "Sales rose",
        "text": "By a third.",
        "symbols": [symbol(number)],
        "created_at": _BEFORE,
        "sentiment": 0.5,
    }


def _news(number: int) -> Payload:
    return {"id": number, "headline": "Sales rose", "symbols": [symbol(number)], "created_at": _BEFORE, "url": ""}


def _indicators(number: int) -> Payload:
    return {"symbol": symbol(number), "ts": _BEFORE, "indicators": {"rsi": 55.0, "sma": None}}


def _event(number: int) -> Payload:
    return {"symbol": symbol(number), "ts": _BEFORE, "strategy": "s", "signal": "buy", "confidence": 0.5}


def _bet(number: int) -> Payload:
    market = {"yes": {"ask": 0.4, "bid": 0.39, "shares": 10}, "mid": 0.4}
    about = {"bet_id": f"q{number}", "question": "Will it rain?", "created_at": _BEFORE, "bankroll_usd": 100}
    return {**about, "quote": market, "history": [0.3, {"p": 0.4}]}


def _strategy(number: int) -> Payload:
    about = {"strategy_id": f"q{number}", "event": "Home side wins", "side": "YES", "created_at": _BEFORE}
    return {**about, "probability": 0.6, "odds": 1.9, "history": [0.3, 0.4]}


def _simulation(number: int) -> Payload:
    about = {"report_id": f"r{number}", "symbol": symbol(number), "status": "completed"}
    return {**about, "as_of": _BEFORE, "prob_up": 0.6, "direction": "UP"}


def _forecast(number: int) -> Payload:
    return {"symbol": symbol(number), "tf": "1d", "as_of": _BEFORE, "prob_up": 0.6, "direction": "UP"}


@asynccontextmanager
async def _forecasts(context: AppContext) -> AsyncIterator[Reading]:
    """The cache holds what came after the moment that is asked about: only the stream can answer."""
    later = (NOW + _DAY).isoformat()
    await ForecastStore(context.redis, 60, 0.05).save([{**_forecast(number), "as_of": later} for number in NUMBERS])
    async with fetching("kronos_forecast", _forecast)(context) as reading:
        yield reading


class _Answers(Reading):
    """Every number's question waits for its answer."""

    def __init__(self, source: Any, asked: dict[int, asyncio.Task[Any]], ids: dict[str, str]) -> None:
        self._source = source
        self._asked = asked
        self._ids = ids

    def good(self, number: int) -> Payload:
        return {"correlation_id": self._ids[symbol(number)], "status": "ok", "report": {"text": "Sales rose."}}

    async def handled(self) -> set[int]:
        answers = {number: await self._asked[number] for number in NUMBERS}
        return {number for number, answer in answers.items() if answer.data == {"text": "Sales rose."}}

    async def bad(self) -> int:
        count: int = self._source.mailbox.bad_entries
        return count


@asynccontextmanager
async def _waiting(context: AppContext) -> AsyncIterator[Reading]:
    source = context.sources.get("fomo2_request", {"timeout_s": 20, "max_lead_s": 1e9})
    asked = {number: asyncio.create_task(source.fetch(SourceQuery({"ticker": symbol(number)}, NOW))) for number in ALL}

    async def requests() -> Any:
        found = [codec.decode(fields) for _, fields in entries(await context.redis.xrange("fomo2:requests"))]
        return found if len(found) == len(asked) else None

    try:
        ids = {request["symbol"]: request["correlation_id"] for request in await wait_until(requests)}
        yield _Answers(source, asked, ids)
    finally:
        await cancelled(asked.values())


def _questions(source_type: str, stream: str, good: Any) -> Reader:
    def target(number: int) -> Payload:
        name = next(good(number)[key] for key in ("report_id", "bet_id", "strategy_id") if key in good(number))
        return {"source_type": source_type, "source_id": name}

    opened = fetching("crowd_questions", good, target, source_type=source_type)
    return Reader(f"crowd_questions, {source_type}", stream, opened, covers=("crowd_questions",))


def _source(name: str, stream: str, good: Any) -> Reader:
    return Reader(name, stream, fetching(name, good), covers=(name,))


SOURCES = [
    _source("trtools2_bars", "trtools2:bars:1d", bar),
    _source("trtools2_news", "trtools2:news", _news),
    _source("trtools2_indicators", "trtools2:indicators:1d", _indicators),
    _source("trtools2_strategy_events", "trtools2:strategy_events", _event),
    _source("fomo2_reports", "fomo2:reports", report),
    _source("mirofish_sim", SIMULATIONS, _simulation),
    _questions("fomo2_report", "fomo2:reports", report),
    _questions("polymarket_bet", "polymarket:bets", _bet),
    _questions("oddsoddy_strategy", "oddsoddy:strategies", _strategy),
    Reader("kronos_forecast", FORECASTS, _forecasts, covers=("kronos_forecast",)),
    Reader("fomo2_request", "fomo2:responses", _waiting, covers=("fomo2_request",)),
]

"""The core's risk checks against the market: is the price plausible, is the exchange open?"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeGuard
from zoneinfo import ZoneInfo

from maf_core.bars import Bar, parse_bar
from maf_core.outbox.book import RiskBook
from maf_core.outbox.checks import Check
from maf_core.outbox.models import CheckResult, TradingAction
from maf_core.risk_settings import MarketHours
from maf_core.streams.view import StreamView

if TYPE_CHECKING:
    from maf_core.context import AppContext

REFERENCE = "reference_price"
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class PriceSanityCheck(Check):
    """The price that the action was decided on is near the last one known, by `risk.max_price_gap`."""

    name = "price_sanity"

    def __init__(self, context: AppContext) -> None:
        super().__init__(context)
        self._views = [
            StreamView(context.redis, stream, partial(_rows, stream)) for stream in self._limits.price_streams
        ]

    async def check(self, action: TradingAction, book: RiskBook) -> CheckResult:
        """Compare `meta.reference_price` with the close of the last bar known when the action would go out."""
        limit, stated = self._limits.max_price_gap, action.meta.get(REFERENCE)
        if limit is None:
            return self._off("risk.max_price_gap")
        if action.verdict == "HOLD":
            return self._passed()
        if stated is None:
            return self._skipped(f"the action states no meta.{REFERENCE}")
        if not is_price(stated):
            return self._failed(f"meta.{REFERENCE} {stated!r} is no price")
        last = await self._last(action.target.ticker, book.moment(action))
        if last is None:
            return self._skipped(f"no price of {action.target.ticker} is known then, on risk.price_streams")
        gap = abs(stated / last - 1)
        figures = f"{stated:g} is {gap:.1%} from the last price {last:g}"
        return self._passed(figures) if gap <= limit else self._failed(f"{figures}; the limit is {limit:.1%}")

    async def _last(self, ticker: str, moment: datetime) -> float | None:
        found = [bar for view in self._views for bar in await view.latest(ticker, moment.timestamp(), 1)]
        return max(found, key=lambda bar: bar.as_of).c if found else None


class MarketHoursCheck(Check):
    """The action's exchange is open, by `risk.market_hours`."""

    name = "market_hours"

    async def check(self, action: TradingAction, book: RiskBook) -> CheckResult:
        """Judge by the moment at which the action would go out, so that a replay is judged by its own time."""
        known, exchange = self._limits.market_hours, action.target.exchange
        if action.verdict == "HOLD":
            return self._passed()
        if not known:
            return self._off("risk.market_hours")
        hours = known.get(exchange) or known.get("default")
        if hours is None:
            return self._skipped(f"risk.market_hours has neither {exchange or 'an exchange'!r} nor 'default'")
        local = book.moment(action).astimezone(ZoneInfo(hours.timezone))
        when = f"{local:%a %Y-%m-%d %H:%M} {hours.timezone}"
        return self._passed(when) if is_open(hours, local) else self._failed(f"the market is closed: {when}")


def is_open(hours: MarketHours, local: datetime) -> bool:
    """Whether the exchange trades at this moment, which must be in its own time zone."""
    # A session that ends after midnight is one of the day before.
    return any(_is_within(hours, local, local.date() - timedelta(days=back)) for back in (0, 1))


def is_price(value: Any) -> TypeGuard[float]:
    """Whether it is a positive, finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0


def _is_within(hours: MarketHours, local: datetime, day: date) -> bool:
    if day in hours.holidays or _WEEKDAYS[day.weekday()] not in hours.days:
        return False
    close = hours.early_closes.get(day, hours.close)
    begins = datetime.combine(day, hours.open, local.tzinfo)
    ends = datetime.combine(day + timedelta(days=close <= hours.open), close, local.tzinfo)
    return begins <= local < ends


def _rows(stream: str, payload: dict[str, Any]) -> Iterable[tuple[str, float, Bar]]:
    # Other programs may leave the timeframe to the name of the stream.
    bar = parse_bar(payload, stream.rpartition(":")[2])
    yield bar.symbol, bar.as_of.timestamp(), bar

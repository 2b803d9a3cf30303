"""The worker: executions become orders, bars fill them.

The two streams are read side by side, by any number of processes. An order therefore looks, once it is on the books,
for its bar among those that are on the stream already; a bar that comes later finds the order waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from maf_core import Bar, Entry, StreamView, Worker, parse_bar
from maf_core.streams.consume import FROM_START, NEW_ONLY
from maf_core.streams.names import EXECUTIONS
from maf_core.tasks import side_by_side
from maf_plugin_paper.config import PaperSettings
from maf_plugin_paper.ledger import accept, on_bars
from maf_plugin_paper.orders import order_of
from maf_plugin_paper.store import AccountStore, read_accounts

if TYPE_CHECKING:
    from maf_core import AppContext

GROUP = "maf:paper"
BARS_GROUP = "maf:paper:bars"


class PaperBroker(Worker):
    """Long or flat in each ticker, one account for each arena. `executions` and `bars` are its two consumers."""

    def __init__(self, context: AppContext) -> None:
        self._redis = context.redis
        self._clock = context.clock
        self._settings = context.settings.section("paper", PaperSettings)
        self._store = AccountStore(context.redis, self._settings.initial_equity)
        self._views = [
            StreamView(context.redis, stream, partial(_rows, stream)) for stream in self._settings.bars_streams
        ]
        self.executions = context.consumer(GROUP, [EXECUTIONS], start=FROM_START)
        self.bars = context.consumer(BARS_GROUP, self._settings.bars_streams, start=NEW_ONLY)

    async def prepare(self) -> None:
        """Create both consumer groups."""
        await self.executions.create_groups()
        await self.bars.create_groups()

    async def run(self, stop: asyncio.Event) -> None:
        """Read both streams until `stop` is set."""
        await side_by_side(self.executions.run(self.on_execution, stop), self.bars.run(self.on_bar, stop))

    async def on_execution(self, entry: Entry) -> None:
        """Put an approved BUY or SELL on the books, and fill it if its bar has come already."""
        order = order_of(entry)
        if order is None:
            return
        # A bar that this order's predecessor waits for may be on the stream, but not handled yet.
        await self._catch_up(order.arena, order.ticker)
        await self._store.change(order.arena, lambda account: accept(account, order), once=order.arena_id)
        await self._catch_up(order.arena, order.ticker)

    async def on_bar(self, entry: Entry) -> None:
        """Fill and mark in every account that follows the bar's ticker; for other tickers, one look at the accounts."""
        bar = _bar(entry.stream, entry.payload)
        for arena, account in (await read_accounts(self._redis)).items():
            if account.follows(bar.symbol):
                await self._apply(arena, [bar])

    async def _catch_up(self, arena: str, ticker: str) -> None:
        order = (await self._store.load(arena)).waiting.get(ticker)
        if order is not None:
            await self._apply(arena, await self._bars_known_since(order.as_of, ticker))

    async def _apply(self, arena: str, bars: list[Bar]) -> None:
        await self._store.change(arena, partial(on_bars, bars=bars, costs=self._settings))

    async def _bars_known_since(self, moment: datetime, ticker: str) -> list[Bar]:
        # While a replay holds the clock, what stands in a stream may be its future.
        now = (await self._clock.now()).timestamp()
        found = [bar for view in self._views for bar in await view.between(ticker, moment.timestamp(), now)]
        return sorted(found, key=lambda bar: bar.as_of)


def _rows(stream: str, payload: dict[str, Any]) -> Iterable[tuple[str, float, Bar]]:
    bar = _bar(stream, payload)
    yield bar.symbol, bar.as_of.timestamp(), bar


def _bar(stream: str, payload: dict[str, Any]) -> Bar:
    # Other programs may leave the timeframe to the name of the stream.
    return parse_bar(payload, stream.rpartition(":")[2])

"""The refresher `kronos`: keeps the forecasts of watched symbols current, whatever the service does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from maf_core import AppContext, Entry, Refresher, Target, parse_bar
from maf_core.plane.watch import Watched
from maf_core.streams.consume import NEW_ONLY
from maf_core.streams.publish import keep_bounded
from maf_plugin_kronos.client import ForecastClient
from maf_plugin_kronos.config import KronosSettings
from maf_plugin_kronos.forecaster import Forecaster, TooSlowError
from maf_plugin_kronos.store import EMITTED, ForecastStore

GROUP = "maf:refresher:kronos"


class KronosRefresher(Refresher):
    """A new bar of a watched symbol sets its forecast off.

    Besides, each timeframe's cadence finds what is missing: symbols new to the watch list, bars nobody was there for.
    """

    name = "kronos"
    concurrency = 2  # the service computes one batch while the bars of the next are put together
    backoff_s = 0.5
    backoff_limit_s = 120.0

    def __init__(self, context: AppContext) -> None:
        self._settings = context.settings.section("kronos", KronosSettings)
        self.batch_size = self._settings.batch_size
        # The client sees to its own time; to read a long stream of bars for the first time takes a while, too.
        self.timeout_s = 10 * self._settings.timeout_s
        super().__init__(context)
        self._store = ForecastStore(context.redis, self._settings.cache_ttl_s, self._settings.threshold)
        self._client = ForecastClient(self._settings.url, self._settings.timeout_s)
        self._forecaster = Forecaster(context, self._settings, self._client, self._store)
        self._timeframes = self._settings.streams
        self._consumer = context.consumer(GROUP, list(self._timeframes), start=NEW_ONLY)

    async def prepare(self) -> None:
        """Create the consumer groups; have the emitted forecasts trimmed, whether anybody reads them or not."""
        await self._consumer.create_groups()
        await keep_bounded(self.redis, EMITTED)

    async def run(self, stop: asyncio.Event) -> None:
        """Forecast until `stop` is set."""
        try:
            await super().run(stop)
        finally:
            await self._client.aclose()

    async def listen(self, stop: asyncio.Event) -> None:
        """Follow the bars; one is acknowledged when its forecast has been made, cached and, if it is news, emitted."""
        await self._consumer.run(self._on_bar, stop)

    async def _on_bar(self, entry: Entry) -> None:
        timeframe = self._timeframes[entry.stream]
        bar = parse_bar(entry.payload, timeframe)
        symbol = bar.symbol.upper()
        if self.watches(symbol):
            await self.refresh_now(Target(symbol, timeframe, as_of=bar.as_of))

    def targets(self, watched: Watched) -> Iterator[Target]:
        """The symbol in every timeframe, or in those that the watch list's `timeframes` name."""
        wanted = watched.attrs.get("timeframes", self._settings.timeframes)
        for timeframe in self._settings.timeframes:
            if timeframe in wanted:
                yield Target(watched.target_id, timeframe, watched.attrs)

    def cadence_s(self, target: Target) -> float:
        """As set for the timeframe."""
        return self._settings.cadence_of(target.variant)

    async def refresh_many(self, targets: Sequence[Target]) -> Mapping[Target, Exception]:
        """Forecast them in one request. A service too slow for so many is asked about fewer, until it is not."""
        started = time.monotonic()
        try:
            failures = await self._forecaster.refresh(targets)
        except TooSlowError:
            self.batch_size = max(1, len(targets) // 2)
            raise
        if len(targets) == self.batch_size and 2 * (time.monotonic() - started) < self._settings.timeout_s:
            self.batch_size = min(2 * self.batch_size, self._settings.batch_size)
        return failures

    def forget(self, targets: Iterable[Target]) -> None:
        """Nobody watches these any more."""
        self._forecaster.forget(targets)

    def heartbeat_ttl_s(self) -> float:
        """Three times the shortest cadence, watched or not, and at least 180 seconds."""
        return max(180.0, 3 * self._settings.min_cadence_s)

    async def status(self) -> dict[str, Any]:
        """Cadence, timeframes, and what all processes have done since the beginning."""
        return {
            "min_cadence_s": self._settings.min_cadence_s,
            "timeframes": self._settings.timeframes,
            **await self._store.totals(),
        }

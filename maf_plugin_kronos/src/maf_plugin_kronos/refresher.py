"""The refresher `kronos`: keeps the forecasts of watched symbols current, whatever the service does."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

from pydantic_core import to_json

from maf_core import AppContext, Entry, MAFError, Worker, parse_bar
from maf_core.plane.watch import WatchList
from maf_core.streams.consume import NEW_ONLY
from maf_core.streams.publish import keep_bounded
from maf_plugin_kronos.attempts import Attempts, Series
from maf_plugin_kronos.client import ForecastClient
from maf_plugin_kronos.config import KronosSettings
from maf_plugin_kronos.forecaster import Forecaster
from maf_plugin_kronos.store import EMITTED, HEARTBEAT, ForecastStore

GROUP = "maf:refresher:kronos"
_TICK_SECONDS = 0.25
_BEAT_SECONDS = 5.0


class KronosRefresher(Worker):
    """A new bar of a watched symbol sets its forecast off.

    A look through the watch list now and then finds what is missing: symbols new to it, bars nobody was there for.
    """

    def __init__(self, context: AppContext) -> None:
        self._settings = context.settings.section("kronos", KronosSettings)
        self._redis = context.redis
        self._clock = context.clock
        self._watch = WatchList(context.redis)
        self._store = ForecastStore(context.redis, self._settings.cache_ttl_s, self._settings.threshold)
        self._client = ForecastClient(self._settings.url, self._settings.timeout_s)
        self._forecaster = Forecaster(context, self._settings, self._client, self._store)
        self._timeframes = {self._settings.bars_stream.format(tf=tf): tf for tf in self._settings.timeframes}
        self._consumer = context.consumer(GROUP, list(self._timeframes), start=NEW_ONLY)
        self._attempts = Attempts()
        # A new bar and the look through the watch list may ask for the same forecast: the second finds it cached.
        self._one_at_a_time = asyncio.Lock()

    async def prepare(self) -> None:
        """Create the consumer groups; have the emitted forecasts trimmed, whether anybody reads them or not."""
        await self._consumer.create_groups()
        await keep_bounded(self._redis, EMITTED)

    async def run(self, stop: asyncio.Event) -> None:
        """Forecast until `stop` is set."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._consumer.run(self._on_bar, stop))
                group.create_task(self._keep_up(stop))
                group.create_task(self._beat(stop))
        finally:
            await self._client.aclose()

    async def _on_bar(self, entry: Entry) -> None:
        timeframe = self._timeframes[entry.stream]
        bar = parse_bar(entry.payload, timeframe)
        if await self._watch.watches(bar.symbol, "symbol"):
            await self._try((bar.symbol, timeframe), bar.as_of)

    async def _keep_up(self, stop: asyncio.Event) -> None:
        """Look through the watch list at each timeframe's cadence, and retry what failed when its time has come."""
        loop = asyncio.get_running_loop()
        due = dict.fromkeys(self._settings.timeframes, 0.0)
        while not stop.is_set():
            for timeframe in [timeframe for timeframe, at in due.items() if loop.time() >= at]:
                due[timeframe] = loop.time() + self._settings.cadence_of(timeframe)
                await self._look_through(timeframe, stop)
            for series in self._attempts.to_retry():
                await self._retry(series)
            await _pause(stop, _TICK_SECONDS)

    async def _look_through(self, timeframe: str, stop: asyncio.Event) -> None:
        await self._watch.decay()
        for watched in await self._watch.members("symbol"):
            if stop.is_set():
                return
            await self._try((watched.target_id, timeframe), await self._clock.now())

    async def _retry(self, series: Series) -> None:
        if await self._watch.watches(series[0], "symbol"):
            await self._try(series, await self._clock.now())
        else:
            self._attempts.forget(series)

    async def _try(self, series: Series, as_of: datetime) -> None:
        """Refresh one series unless it backs off. Its failure is noted and retried later, never raised."""
        if not self._attempts.ready(series):
            return
        try:
            async with self._one_at_a_time:
                await self._forecaster.refresh(*series, as_of)
        except MAFError as error:
            self._attempts.failed(series, error)
            await self._store.count("failures")
        else:
            self._attempts.succeeded(series)

    async def _beat(self, stop: asyncio.Event) -> None:
        ttl_s = int(max(180, 3 * self._settings.min_cadence_s))
        while not stop.is_set():
            status = {
                "ts": datetime.now(UTC).isoformat(),
                "watched": len(await self._watch.members("symbol")),
                "min_cadence_s": self._settings.min_cadence_s,
                "timeframes": self._settings.timeframes,
                "failing": self._attempts.failing,
                **await self._store.totals(),
            }
            await self._redis.set(HEARTBEAT, to_json(status), ex=ttl_s)
            await _pause(stop, _BEAT_SECONDS)
        await self._redis.delete(HEARTBEAT)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)

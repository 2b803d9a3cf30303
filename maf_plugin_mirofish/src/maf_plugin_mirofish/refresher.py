"""The refresher `mirofish`: simulates the reports that name a watched symbol."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

import structlog
from pydantic_core import to_json

from maf_core import AppContext, Entry, Worker
from maf_core.plane.watch import WatchList
from maf_core.streams.consume import NEW_ONLY
from maf_core.streams.publish import keep_bounded
from maf_plugin_mirofish.budget import DailyBudget
from maf_plugin_mirofish.client import MiroFishClient
from maf_plugin_mirofish.config import MiroFishSettings
from maf_plugin_mirofish.reports import report_in, run_for
from maf_plugin_mirofish.run_queue import RunQueue
from maf_plugin_mirofish.runner import Runner
from maf_plugin_mirofish.simulator import Simulator
from maf_plugin_mirofish.store import EMITTED, HEARTBEAT, OutcomeStore

log = structlog.get_logger(__name__)

GROUP = "maf:refresher:mirofish"
_BEAT_SECONDS = 5.0
_BEAT_TTL_SECONDS = 300


class MiroFishRefresher(Worker):
    """Reports are accepted as they come and acknowledged at once; simulating them takes its hours beside that.

    Without a `url`, or with a budget of 0, it does nothing.
    """

    def __init__(self, context: AppContext) -> None:
        self._settings = context.settings.section("mirofish", MiroFishSettings)
        self._redis = context.redis
        self._clock = context.clock
        self._events = context.events
        self._watch = WatchList(context.redis)
        stream = self._settings.reports_stream
        self._store = OutcomeStore(context.redis, self._settings.cache_ttl_s)
        self._budget = DailyBudget(context.redis, stream, self._settings.daily_budget)
        self._queue = RunQueue(context.redis, stream, context.settings.lease_s)
        self.consumer = context.consumer(GROUP, [stream], start=NEW_ONLY)

    @property
    def _on(self) -> bool:
        return self._settings.url is not None and self._settings.daily_budget > 0

    async def prepare(self) -> None:
        """Create the consumer group; have the emitted outcomes trimmed, whether anybody reads them or not."""
        if self._on:
            await self.consumer.create_groups()
            await keep_bounded(self._redis, EMITTED)

    async def run(self, stop: asyncio.Event) -> None:
        """Simulate until `stop` is set."""
        if not self._on:
            log.info("mirofish_off", reason="no MAF_MIROFISH_URL is set, or the daily budget is 0")
            await stop.wait()
            return
        client = MiroFishClient(self._settings)
        runner = self._runner(client)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.consumer.run(self._on_report, stop))
                group.create_task(runner.run(stop))
                group.create_task(self._beat(runner, stop))
        finally:
            await client.aclose()

    def _runner(self, client: MiroFishClient) -> Runner:
        settings, queue, budget = self._settings, self._queue, self._budget
        simulator = Simulator(settings, client, queue, budget, self._store, self._clock, self._events)
        return Runner(settings, client, queue, budget, simulator)

    async def _on_report(self, entry: Entry) -> None:
        report = report_in(entry.payload, entry.id)
        age = (await self._clock.now()) - report.as_of
        if age.total_seconds() > self._settings.max_age_s:
            return
        watched = [found.target_id for found in await self._watch.members("symbol")]
        run = run_for(report, watched, self._settings.max_text_chars)
        if run is not None and await self._queue.accept(run):
            await self._store.count("accepted")

    async def _beat(self, runner: Runner, stop: asyncio.Event) -> None:
        while not stop.is_set():
            status = {
                "ts": datetime.now(UTC).isoformat(),
                "reports_stream": self._settings.reports_stream,
                "daily_budget": self._settings.daily_budget,
                "begun_today": await self._budget.used(self._budget.today()),
                "away": runner.away,
                **await self._queue.counts(),
                **await self._store.totals(),
            }
            await self._redis.set(HEARTBEAT, to_json(status), ex=_BEAT_TTL_SECONDS)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _BEAT_SECONDS)
        await self._redis.delete(HEARTBEAT)

"""Takes runs from the queue, a bounded number at once, and keeps their leases."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from maf_core.plane.backoff import Backoff
from maf_core.tasks import cancelled
from maf_plugin_mirofish.budget import DailyBudget
from maf_plugin_mirofish.client import MiroFishClient
from maf_plugin_mirofish.config import MiroFishSettings
from maf_plugin_mirofish.errors import AwayError, LeaseLostError, MiroFishError
from maf_plugin_mirofish.run import Run
from maf_plugin_mirofish.run_queue import RunQueue
from maf_plugin_mirofish.simulator import Simulator

log = structlog.get_logger(__name__)

_SERVICE = "service"


class Runner:
    """One worker's share of the simulations. While MiroFish is away nothing is taken up, and nothing is lost by it."""

    def __init__(
        self,
        settings: MiroFishSettings,
        client: MiroFishClient,
        queue: RunQueue,
        budget: DailyBudget,
        simulator: Simulator,
    ) -> None:
        self._settings = settings
        self._client = client
        self._queue = queue
        self._budget = budget
        self._simulator = simulator
        self._service = Backoff(settings.backoff_s, settings.backoff_limit_s)
        self._working: set[asyncio.Task[None]] = set()

    @property
    def away(self) -> bool:
        """Whether MiroFish did not answer when it was last tried."""
        return bool(self._service.failing)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; what is under way then is left to others at once."""
        try:
            while not stop.is_set():
                self._collect()
                while len(self._working) < self._settings.max_concurrent and (run := await self._next()):
                    self._working.add(asyncio.create_task(self._owning(run)))
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), min(1.0, self._settings.poll_s))
        finally:
            await cancelled(self._working)

    def _collect(self) -> None:
        for task in [task for task in self._working if task.done()]:
            self._working.discard(task)
            task.result()

    async def _next(self) -> Run | None:
        if not self._service.ready(_SERVICE):
            return None
        return await self._queue.take() or await self._begin()

    async def _begin(self) -> Run | None:
        """A new run, while the day has places left and MiroFish is there to do it."""
        counts = await self._queue.counts()
        if not counts["waiting"] or counts["running"] >= self._settings.max_concurrent:
            return None
        if await self._budget.used(self._budget.today()) >= self._budget.limit or not await self._there():
            return None
        return await self._queue.begin(self._settings.max_concurrent)

    async def _there(self) -> bool:
        try:
            await self._client.healthy()
        except MiroFishError as error:
            self._missed(error)
            return False
        self._service.succeeded(_SERVICE)
        return True

    def _missed(self, error: MiroFishError) -> float:
        if not self.away:  # a streak of failures is one line in the log
            log.warning("mirofish_away", reason=str(error))
        return self._service.failed(_SERVICE)

    async def _owning(self, run: Run) -> None:
        """Work on a run for as long as it is ours, then say when it is due again."""
        work = asyncio.create_task(self._worked_on(run))
        due: float | None = 0.0  # if we are interrupted
        try:
            while not (await asyncio.wait([work], timeout=self._queue.lease_s / 3))[0]:
                if not await self._queue.put_off(run, self._queue.lease_s) and run.outcome is None:
                    log.warning("run_taken_over", report=run.id)
                    return
            due = work.result()
        except LeaseLostError as error:
            log.warning("run_taken_over", report=run.id, reason=str(error))
        finally:
            await cancelled([work])
            if due is not None:
                await asyncio.shield(self._queue.put_off(run, due))

    async def _worked_on(self, run: Run) -> float | None:
        try:
            again = await self._simulator.work_on(run)
        except AwayError as error:
            return self._missed(error)
        self._service.succeeded(_SERVICE)
        return again

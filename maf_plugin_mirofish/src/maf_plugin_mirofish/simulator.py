"""Brings one run to its outcome, however often it has to be taken up."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import structlog
from redis.exceptions import RedisError

from maf_core.clock import ServiceClock
from maf_core.streams.events import EventBus
from maf_plugin_mirofish import outcome
from maf_plugin_mirofish.budget import DailyBudget
from maf_plugin_mirofish.client import MiroFishClient
from maf_plugin_mirofish.config import MiroFishSettings
from maf_plugin_mirofish.errors import (
    AwayError,
    HopelessError,
    LeaseLostError,
    MiroFishError,
    StageError,
    VanishedError,
)
from maf_plugin_mirofish.run import Run
from maf_plugin_mirofish.run_queue import RunQueue
from maf_plugin_mirofish.stages import Stage, Work, next_stage
from maf_plugin_mirofish.stages.closing import close
from maf_plugin_mirofish.store import OutcomeStore

log = structlog.get_logger(__name__)


class Simulator:
    """Works on runs that this worker owns."""

    def __init__(
        self,
        settings: MiroFishSettings,
        client: MiroFishClient,
        queue: RunQueue,
        budget: DailyBudget,
        store: OutcomeStore,
        clock: ServiceClock,
        events: EventBus,
    ) -> None:
        self._settings = settings
        self._client = client
        self._queue = queue
        self._budget = budget
        self._store = store
        self._clock = clock
        self._events = events

    async def work_on(self, run: Run) -> float | None:
        """Go on with a run. None when nothing is left to do; else the seconds after which it should be tried again.

        Raises `AwayError` when nobody answers, `LeaseLostError` when another worker has the run by now.
        """
        if run.outcome is None:
            if not await self._admitted(run):
                return None
            await self._go_on(run)
        if run.outcome is None:
            return self._pause_after(run)
        await self._settle(run)
        return None

    async def _admitted(self, run: Run) -> bool:
        """Whether the run has its place in the budget of a day, now or since it was begun; else it waits on."""
        if not run.day and run.seconds_since(run.accepted_at) > self._settings.max_age_s:
            await self._fail(run, "waiting", f"it waited longer than {self._settings.max_age_s:g} s (max_age_s)")
            return True
        if not run.day:
            # Written down first: whoever takes the run over asks for the same place on the same day.
            run.day, run.begun_at = self._budget.today(), datetime.now(UTC)
            await self._queue.save(run)
        if await self._budget.reserve(run.day, run.id):
            return True
        run.day, run.begun_at = "", None
        await self._queue.save(run)
        await self._queue.give_back(run)
        return False

    async def _go_on(self, run: Run) -> None:
        """Work through the stages that are left. At the end the run has its outcome, or is to be tried again."""
        work = Work(self._client, self._settings, run, self._queue.save)
        stage = next_stage(run.progress)
        limit = asyncio.timeout(max(0.0, self._settings.deadline_s - run.seconds_since(run.begun_at)))
        try:
            async with limit:
                while run.outcome is None and (stage := next_stage(run.progress)):
                    await stage.work(work)
        except (AwayError, LeaseLostError, RedisError):
            raise
        except TimeoutError:
            if not limit.expired():
                raise
            await self._fail(run, _name(stage), f"it took longer than {self._settings.deadline_s:g} s (deadline_s)")
        except HopelessError as error:
            await self._fail(run, _name(stage), str(error))
        except MiroFishError as error:
            await self._went_wrong(run, stage, error)
        except Exception as error:
            log.exception("simulation_broke", report=run.id)  # ours: it must not stop the others
            await self._fail(run, _name(stage), f"{type(error).__name__}: {error}")
        else:
            if run.outcome is None:
                await self._end(run, outcome.completed(run, self._settings, await self._clock.now()))

    async def _went_wrong(self, run: Run, stage: Stage | None, error: MiroFishError) -> None:
        """Drop what cannot be relied on any more; give the run up after so many attempts of one stage."""
        name = _name(stage)
        run.attempts[name] = run.attempts.get(name, 0) + 1
        log.warning("simulation_stage_failed", report=run.id, stage=name, attempt=run.attempts[name], reason=str(error))
        if run.attempts[name] >= self._settings.attempts:
            await self._fail(run, name, str(error))
            return
        if isinstance(error, VanishedError):
            run.progress.forget(error.field)
        elif isinstance(error, StageError) and stage is not None:
            run.progress.forget(stage.handle)
            run.redo = [*run.redo, name]
        await self._queue.save(run)

    def _pause_after(self, run: Run) -> float:
        """The exponential backoff of a run that went wrong."""
        failures = max(sum(run.attempts.values()), 1)
        return min(self._settings.backoff_limit_s, self._settings.backoff_s * 2.0 ** (failures - 1))

    async def _fail(self, run: Run, stage: str, reason: str) -> None:
        await self._end(run, outcome.failed(run, stage, reason, await self._clock.now()))

    async def _end(self, run: Run, ended: dict[str, Any]) -> None:
        run.outcome, run.text = ended, ""
        await self._queue.save(run)

    async def _settle(self, run: Run) -> None:
        """Do what follows from the outcome. Every step can be done again by whoever takes the run over."""
        ended = run.outcome or {}
        await close(Work(self._client, self._settings, run, self._queue.save))
        if ended["status"] == "failed" and run.day:
            await self._budget.refund(run.day, run.id)
        await self._store.publish(ended)
        if not await self._queue.finish(run):
            return
        await self._store.count(ended["status"])
        if ended["status"] == "failed":
            log.warning("simulation_failed", report=run.id, stage=ended["stage"], reason=ended["reason"])
            about = {"report_id": run.id, "symbol": run.symbol, "stage": ended["stage"]}
            self._events.emit("source.error", source="mirofish_sim", error=ended["reason"], **about)
        else:
            log.info("simulation_completed", report=run.id, symbol=run.symbol, prob_up=ended["prob_up"])


def _name(stage: Stage | None) -> str:
    return stage.name if stage else "outcome"

"""The service: every worker of every plugin, supervised, until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog
from redis.exceptions import RedisError

from maf_core.control.reloading import ConfigWatch
from maf_core.plane.backoff import Backoff
from maf_core.plugins.rows import BUILTIN
from maf_core.records import FactoryRecord, RefresherSpec, WorkerSpec
from maf_core.serving.away import ServerAway
from maf_core.serving.heart import Heart, heartbeat_key
from maf_core.streams.consume import SERVER_AWAY
from maf_core.tasks import cancelled
from maf_core.telemetry.serve import metrics_served

if TYPE_CHECKING:
    from maf_core.context import AppContext
    from maf_core.worker import Worker

__all__ = ["Service", "heartbeat_key"]

log = structlog.get_logger(__name__)

# A worker that ran this long was healthy: its next failure starts from the shortest delay again.
_HEALTHY_SECONDS = 60.0
_LAST_EVENTS_SECONDS = 2.0


class Service:
    """Runs workers and refreshers. One that raises is made anew, after a delay that grows.

    When the server is away nothing is wrong with the workers: they are made anew as soon as it is back.
    """

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._backoff = Backoff(base_s=0.2, limit_s=30.0)
        self._restarts: dict[str, int] = {}
        self._away = ServerAway(context.redis)
        self._stops: dict[str, asyncio.Event] = {}
        self._followers: set[str] = set()
        self._arenas_changed = 0
        self._made: dict[str, int] = {}
        workers = context.plugins.records("maf_workers", WorkerSpec)
        refreshers = context.plugins.records("maf_refreshers", RefresherSpec)
        # Names are unique within a hook only: a plugin may call its worker and its refresher the same.
        self._specs: dict[str, FactoryRecord] = {
            **workers,
            **{f"{name} (refresher)": spec for name, spec in refreshers.items()},
        }
        self._heart = Heart(context, sorted(self._specs), self._restarts)

    async def run(self, stop: asyncio.Event) -> None:
        """Prepare all workers, run them until `stop` is set, and give them `drain_s` to finish what they began."""
        with metrics_served(self._context.settings.telemetry, self._context.events):
            await self._run(stop)

    async def _run(self, stop: asyncio.Event) -> None:
        bus = asyncio.create_task(self._context.events.run())
        workers = {name: await self._prepared(name) for name in self._specs}
        tasks = [asyncio.create_task(self._keep(name, worker, stop), name=name) for name, worker in workers.items()]
        upkeep = [self._heart.beat(), self._follow(), ConfigWatch(self._context).run()]
        beside = [asyncio.create_task(each) for each in upkeep]
        log.info("service_ready", workers=sorted(workers), arenas=sorted(self._context.arenas))
        try:
            await stop.wait()
            for own in self._stops.values():
                own.set()
            await self._drain(tasks)
        finally:
            self._context.events.close()
            await asyncio.wait([bus], timeout=_LAST_EVENTS_SECONDS)
            await cancelled([*tasks, *beside, bus])
            with suppress(RedisError):
                await self._context.redis.delete(heartbeat_key(os.getpid()))
            log.info("service_stopped")

    async def _follow(self) -> None:
        """When arenas change, have the workers made anew that keep something of them."""
        changed = self._context.config.changed
        while True:
            await changed.wait()
            changed.clear()
            self._arenas_changed += 1
            for name in self._followers:
                self._stops[name].set()
            self._heart.soon()

    async def _prepared(self, name: str) -> Worker | None:
        self._made[name] = self._arenas_changed
        try:
            worker: Worker = self._specs[name].load()(self._context)
            await worker.prepare()
        except SERVER_AWAY as error:
            self._away.noticed(error)
            return None
        except Exception:
            # A plugin's worker that cannot even be made is tried again like one that died.
            log.exception("worker_not_prepared", worker=name, **self._blame(name))
            return None
        return worker

    def _blame(self, worker: str) -> dict[str, str]:
        """Which plugin a worker is of, and what to do about it."""
        plugins, spec = self._context.plugins, self._specs[worker]
        row = next(
            row for row in plugins.rows if any(given.record is spec for given in plugins.contributions(row.name))
        )
        leave = "" if row.name == BUILTIN else f", or leave it out: MAF_DISABLE_PLUGINS={row.name}"
        fix = f"It is tried again. If that does not help, update {row.distribution}{leave}"
        return {"plugin": row.name, "distribution": row.distribution, "fix": fix}

    async def _keep(self, name: str, worker: Worker | None, stop: asyncio.Event) -> None:
        while not stop.is_set():
            worker = worker or await self._prepared(name)
            started = time.monotonic()
            if worker is not None and await self._lived(name, worker, stop):
                worker = None
                continue
            worker = None
            if await self._away.until_back(stop) or stop.is_set():
                continue
            await self._pause(name, time.monotonic() - started, stop)

    async def _lived(self, name: str, worker: Worker, stop: asyncio.Event) -> bool:
        """Run a worker to its end; whether that was to be: it was told to stop, or to make way for a new one."""
        own = self._stops[name] = asyncio.Event()
        if worker.follows_arenas:
            self._followers.add(name)
        if stop.is_set() or (worker.follows_arenas and self._made[name] != self._arenas_changed):
            own.set()
        try:
            await worker.run(own)
        except SERVER_AWAY as error:
            self._away.noticed(error)
        except Exception:
            log.exception("worker_died", worker=name, **self._blame(name))
        else:
            return own.is_set()
        return False

    async def _pause(self, name: str, ran_s: float, stop: asyncio.Event) -> None:
        if ran_s > _HEALTHY_SECONDS:
            self._backoff.succeeded(name)
        delay = self._backoff.failed(name)
        self._restarts[name] = self._restarts.get(name, 0) + 1
        log.warning("worker_restarts", worker=name, in_s=round(delay, 2), restarts=self._restarts[name])
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), delay)

    async def _drain(self, tasks: list[asyncio.Task[None]]) -> None:
        log.info("service_draining", seconds=self._context.settings.drain_s)
        _, late = await asyncio.wait(tasks, timeout=self._context.settings.drain_s)
        for task in late:
            log.warning("worker_handed_back", worker=task.get_name())

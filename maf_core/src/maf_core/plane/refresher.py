"""The base of refreshers: keep something current for every watched target, ahead of need.

One worker per target across all machines, a bounded number at once, and nobody waits for one that fails or hangs.
"""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic_core import to_json

from maf_core.plane.attempts import Attempts, NotUsableError, RefreshError, ServiceAwayError
from maf_core.plane.batches import Batches
from maf_core.plane.schedule import Schedule, Target
from maf_core.plane.watch import Kind, Watched, WatchList
from maf_core.tasks import cancelled, side_by_side
from maf_core.worker import Worker

if TYPE_CHECKING:
    from maf_core.context import AppContext

__all__ = ["NotUsableError", "RefreshError", "Refresher", "ServiceAwayError", "Target"]

_BEAT_SECONDS = 5.0
_DECAY_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = 0.05


class Refresher(Worker):
    """Say `name`, `kind` and `cadence_s`, and implement `refresh` or, for many at once, `refresh_many`.

    `batch_size` targets go into one `refresh_many`, of which `concurrency` run at once, each for at most `timeout_s`. A
    target's worker that dies holds it for `lease_s`, or for the service's where that is shorter. The watch list is read
    every `look_s`. All are seconds. Whoever sets them in `__init__` does so before the base's own.
    """

    name: ClassVar[str]
    kind: ClassVar[Kind] = "symbol"
    batch_size: int = 1
    concurrency: int = 4
    timeout_s: float = 60.0
    lease_s: float = 15.0
    look_s: float = 1.0
    backoff_s: float = 1.0
    backoff_limit_s: float = 300.0

    def __init__(self, context: AppContext) -> None:
        self.redis = context.redis
        self.clock = context.clock
        self.watch = WatchList(context.redis)
        self.attempts = Attempts(self.name, self.backoff_s, self.backoff_limit_s)
        self.schedule = Schedule()
        self.lease_s = min(self.lease_s, context.settings.lease_s)
        self._places = asyncio.Semaphore(self.concurrency)
        self._batches = Batches(self, context.redis)
        self._retrying = 0
        self._watched: set[str] = set()
        self._wake = asyncio.Event()
        self._look_at = self._decay_at = 0.0

    @abstractmethod
    def cadence_s(self, target: Target) -> float:
        """How often the target is refreshed, in seconds."""

    def targets(self, watched: Watched) -> Iterable[Target]:
        """What is kept current for a watched target: itself, or one `Target` for each variant of it.

        Nothing, in a refresher that only goes by `refresh_now`.
        """
        yield Target(watched.target_id, attrs=watched.attrs)

    async def refresh(self, target: Target) -> None:
        """Refresh one target from what was known at `target.as_of`. Whatever it raises makes the target back off.

        `NotUsableError`: its input is bad. `ServiceAwayError`: no target can be refreshed for now.
        """
        raise NotImplementedError(f"{type(self).__name__} implements neither refresh nor refresh_many")

    async def refresh_many(self, targets: Sequence[Target]) -> Mapping[Target, Exception]:
        """Refresh several targets and return the errors of those that failed; to raise is to fail them all.

        By default one after the other. A target that failed is tried again on its own.
        """
        failures: dict[Target, Exception] = {}
        for target in targets:
            try:
                await self.refresh(target)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this target's failure
                failures[target] = error
        return failures

    async def status(self) -> dict[str, Any]:
        """What the heartbeat says besides the time, how many are watched and failing, and the counts."""
        return {}

    def forget(self, targets: Sequence[Target]) -> None:
        """Drop what is kept about these: nobody watches them any more. By default nothing is."""

    def heartbeat_ttl_s(self) -> float:
        """How long a heartbeat stands: three times the shortest cadence, and at least 180 seconds."""
        return max(180.0, 3 * min((self.cadence_s(target) for target in self.schedule), default=0.0))

    async def listen(self, stop: asyncio.Event) -> None:
        """Wait for news until `stop` is set, and call `refresh_now`. By default there is none."""

    def watches(self, target_id: str) -> bool:
        """Whether the target was watched when the list was last read, at most `look_s` ago."""
        return target_id in self._watched

    async def refresh_now(self, target: Target) -> bool:
        """Refresh because there is news of the target, watched or not, due or not; tells whether that succeeded.

        Waits for another worker that is at it. False when it failed or backs off, or the service does: one that is
        watched is then tried again in time, the others are for the caller to tell of again.
        """
        while True:
            async with self._places:
                done = await self._batches.news(target)
            if done is not None:
                return done
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    async def run(self, stop: asyncio.Event) -> None:
        """Refresh what is due, and what there is news of, until `stop` is set; what was begun is finished."""
        await self._look()
        await side_by_side(self._keep_current(stop), self.listen(stop), self._beat(stop), self._wake_at(stop))

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake.set()

    async def _keep_current(self, stop: asyncio.Event) -> None:
        batches: set[asyncio.Task[None]] = set()
        try:
            while not stop.is_set():
                self._wake.clear()
                await self._look_now_and_then()
                batches |= await self._start_due(len(batches))
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self._idle_s())
                batches = _unfinished(batches)
            await asyncio.gather(*batches)
        finally:
            await cancelled(batches)

    async def _look_now_and_then(self) -> None:
        if time.monotonic() >= self._decay_at:
            self._decay_at = time.monotonic() + _DECAY_SECONDS
            await self.watch.decay()
        if time.monotonic() >= self._look_at:
            await self._look()

    async def _look(self) -> None:
        self._look_at = time.monotonic() + self.look_s
        watched = await self.watch.members(self.kind)
        self._watched = {item.target_id for item in watched}
        targets = [target for item in watched for target in self.targets(item)]
        gone = self.schedule.keep(targets, time.monotonic())
        self.attempts.forget(gone)
        if gone:
            self.forget(gone)

    def _idle_s(self) -> float:
        """Until the next look at the watch list, or the next target that comes up, or the service may be asked."""
        now = time.monotonic()
        pause_s = self.attempts.pause_s
        moments = [self._look_at, self.schedule.next_due(now), now + pause_s if pause_s else None]
        return max(0.0, min(moment for moment in moments if moment is not None) - now)

    async def _start_due(self, at_work: int) -> set[asyncio.Task[None]]:
        batches = self._due(self._room(at_work))
        if not batches:
            return set()
        as_of = await self.clock.now()
        return {self._start([replace(target, as_of=as_of) for target in batch]) for batch in batches}

    def _room(self, at_work: int) -> int:
        """How many batches may begin now: a service that was away is probed with one."""
        if self.attempts.pause_s:
            return 0
        return max(0, (1 if self.attempts.probing else self.concurrency) - at_work)

    def _due(self, room: int) -> list[list[Target]]:
        """Batches to start now. What failed before is tried alone, and never takes up more than half of the places."""
        now, failing = time.monotonic(), self.attempts.failed_before
        healthy = self.schedule.take(now, room * self.batch_size, lambda target: not failing(target))
        batches = [healthy[at : at + self.batch_size] for at in range(0, len(healthy), self.batch_size)]
        retries = min(room - len(batches), max(1, self.concurrency // 2) - self._retrying)
        return batches + [[target] for target in self.schedule.take(now, max(0, retries), failing)]

    def _start(self, batch: list[Target]) -> asyncio.Task[None]:
        task = asyncio.create_task(self._refresh_due(batch))
        task.add_done_callback(lambda _: self._wake.set())
        return task

    async def _refresh_due(self, batch: list[Target]) -> None:
        retries = sum(map(self.attempts.failed_before, batch))
        self._retrying += retries
        try:
            async with self._places:
                await self._batches.due(batch)
        finally:
            self._retrying -= retries

    async def _beat(self, stop: asyncio.Event) -> None:
        key, beat = f"maf:refresher:{self.name}:heartbeat", b""
        while not stop.is_set():
            beat = to_json(await self._status())
            await self.redis.set(key, beat, ex=int(self.heartbeat_ttl_s()))
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _BEAT_SECONDS)
        if await self.redis.get(key) == beat:  # else another worker goes on
            await self.redis.delete(key)

    async def _status(self) -> dict[str, Any]:
        return {
            "ts": datetime.now(UTC).isoformat(),
            "watched": len(self._watched),
            "failing": self.attempts.failing,
            **self.attempts.counts,
            **await self.status(),
        }


def _unfinished(tasks: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
    """Those still at work. Our own server gone away, which one of the others met, is raised."""
    for task in tasks:
        if task.done():
            task.result()
    return {task for task in tasks if not task.done()}

"""What every stage works with: the client, the run and its progress, and a way to wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from maf_plugin_mirofish.client import MiroFishClient
from maf_plugin_mirofish.config import MiroFishSettings
from maf_plugin_mirofish.errors import BrokenError, HopelessError, RefusedError, StageError, VanishedError
from maf_plugin_mirofish.models import Task
from maf_plugin_mirofish.run import Progress, Run

T = TypeVar("T")
NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Work:
    """One run in the hands of a worker. What a stage finds out is saved before it does anything that rests on it."""

    client: MiroFishClient
    settings: MiroFishSettings
    run: Run
    save: Callable[[Run], Awaitable[None]]

    @property
    def progress(self) -> Progress:
        """How far the run has come."""
        return self.run.progress

    async def note(self, **fields: object) -> None:
        """Write progress down."""
        for name, value in fields.items():
            setattr(self.progress, name, value)
        await self.save(self.run)

    async def wait(self, look: Callable[[], Awaitable[T]], done: Callable[[T], bool], sign: Callable[[T], object]) -> T:
        """Look every `poll_s` until `done`.

        A few answers that are none are overlooked. Raises `StageError` when `sign`, a sign of progress, has stayed the
        same for `stall_s`.
        """
        seen: object = None
        since, broken = time.monotonic(), 0
        while True:
            try:
                found = await look()
            except BrokenError:
                broken += 1
                if broken > self.settings.poll_errors:
                    raise
            else:
                broken = 0
                if done(found):
                    return found
                if sign(found) != seen:
                    seen, since = sign(found), time.monotonic()
            # Beside the deadline around it: on Python 3.11 the Redis client can swallow that one's cancellation.
            if self.run.seconds_since(self.run.begun_at) > self.settings.deadline_s:
                raise HopelessError(f"it took longer than {self.settings.deadline_s:g} s (deadline_s)")
            if time.monotonic() - since > self.settings.stall_s:
                raise StageError(f"no progress for {self.settings.stall_s:g} s (stall_s)")
            await asyncio.sleep(self.settings.poll_s)

    async def wait_for_task(self, look: Callable[[], Awaitable[Task]]) -> Task | None:
        """The task when it has ended well; None when MiroFish was restarted and knows nothing of it any more."""
        try:
            task = await self.wait(look, _ended, lambda task: (task.progress, task.message, task.updated_at))
        except RefusedError as error:
            if error.status != NOT_FOUND:
                raise
            return None
        if task.status == "failed":
            raise StageError(f"MiroFish's task failed: {last_line(task.error or task.message)}")
        return task

    async def known(self, looked_up: Awaitable[T], field: str, what: str) -> T:
        """What was looked up; `VanishedError` when MiroFish does not know it any more."""
        try:
            return await looked_up
        except RefusedError as error:
            if error.status != NOT_FOUND:
                raise
            raise VanishedError(f"MiroFish has forgotten {what}.", field) from error


def last_line(text: str) -> str:
    """What a traceback or a log ends with, at most 300 characters."""
    lines = text.strip().splitlines() or ["no reason given"]
    return lines[-1][:300]


def _ended(task: Task) -> bool:
    return task.status in ("completed", "ready", "failed")

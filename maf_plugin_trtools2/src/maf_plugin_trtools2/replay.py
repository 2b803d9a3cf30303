"""Play bars onto a stream, at a pace, and move the clock with them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Literal

from redis.asyncio import Redis

from maf_core import Bar
from maf_core.streams.codec import encode
from maf_core.streams.quiet import Backlog, backlogs, until_quiet
from maf_plugin_trtools2.replay_clock import ReplayClock

# Bars per second, without bound when infinite; or one at a time, each digested before the next.
Speed = float | Literal["lockstep"]

_BATCH = 500
_PATIENCE_SECONDS = 10.0


class Replay:
    """One replay of `bars`, which are in order. `played` counts what stands on the stream.

    `say` gets sentences for the user, `show` the number of bars played and the newest of them. Setting `stop` ends the
    replay between two bars.
    """

    def __init__(
        self,
        redis: Redis,
        stream: str,
        bars: Sequence[Bar],
        *,
        stop: asyncio.Event,
        say: Callable[[str], None],
        show: Callable[[int, Bar], None],
        patience_s: float = _PATIENCE_SECONDS,
    ) -> None:
        self.played = 0
        self._redis = redis
        self._stream = stream
        self._bars = bars
        self._stop = stop
        self._say = say
        self._show = show
        self._patience_s = patience_s

    async def run(self, speed: Speed) -> None:
        """Play all bars, or those before `stop` was set; the clock is released either way.

        Raises `RedisError` when the server fails.
        """
        async with ReplayClock(self._redis) as clock:
            if speed == "lockstep":
                await self._in_lockstep(clock)
            else:
                await self._by_schedule(clock, speed)

    @property
    def _goes_on(self) -> bool:
        return self.played < len(self._bars) and not self._stop.is_set()

    async def _by_schedule(self, clock: ReplayClock, rate: float) -> None:
        now = asyncio.get_running_loop().time
        started = now()
        while self._goes_on:
            due = len(self._bars) if math.isinf(rate) else 1 + int((now() - started) * rate)
            if due > self.played:
                await self._play(clock, min(due, self.played + _BATCH, len(self._bars)))
            else:
                await self._pause(started + self.played / rate - now())

    async def _in_lockstep(self, clock: ReplayClock) -> None:
        if not await backlogs(self._redis):
            self._say("Nothing listens: no consumer group is registered. Start one: maf service run")
        while self._goes_on:
            await self._play(clock, self.played + 1)
            with suppress(_Stopped):
                await until_quiet(self._redis, self._impatient())

    async def _play(self, clock: ReplayClock, until: int) -> None:
        """Move the clock to bar number `until`, then put all bars up to it onto the stream in one round trip."""
        newest = self._bars[until - 1]
        await clock.move(newest.as_of, played=until, total=len(self._bars), symbol=newest.symbol)
        pipeline = self._redis.pipeline(transaction=False)
        for bar in self._bars[self.played : until]:
            pipeline.xadd(self._stream, encode(bar.payload()))  # type: ignore[arg-type]
        await pipeline.execute()
        self.played = until
        self._show(until, newest)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), max(0.0, seconds))

    def _impatient(self) -> Callable[[list[Backlog]], None]:
        """What is called while others are busy: it says whom the replay waits for, and lets go when it is stopped."""
        now = asyncio.get_running_loop().time
        told = now()

        def on_wait(busy: list[Backlog]) -> None:
            nonlocal told
            if self._stop.is_set():
                raise _Stopped
            if now() - told >= self._patience_s:
                told = now()
                self._say(f"Still waiting for {', '.join(map(_named, busy))}. Is its service running?")

        return on_wait


class _Stopped(Exception):  # noqa: N818
    """The replay was stopped while it waited."""


def _named(backlog: Backlog) -> str:
    return f"group {backlog.group} on {backlog.stream} ({backlog.pending} in work)"

"""One batch of targets: take their leases, try them, note what came of it, say when each comes up again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol
from uuid import uuid4

from redis.asyncio import Redis

from maf_core.plane.attempts import Attempts, RefreshError
from maf_core.plane.leases import Leases, Rest
from maf_core.plane.schedule import Schedule, Target
from maf_core.streams.consume import SERVER_AWAY


class _Refreshing(Protocol):
    """What a batch asks of its refresher."""

    name: ClassVar[str]
    timeout_s: float
    lease_s: float
    attempts: Attempts
    schedule: Schedule

    def cadence_s(self, target: Target) -> float: ...

    async def refresh_many(self, targets: Sequence[Target]) -> Mapping[Target, Exception]: ...


class Batches:
    """The batches of one refresher."""

    def __init__(self, refresher: _Refreshing, redis: Redis) -> None:
        self._refresher = refresher
        self._attempts = refresher.attempts
        self._schedule = refresher.schedule
        self._leases = Leases(redis, f"refresher:{refresher.name}", refresher.lease_s)

    async def due(self, batch: Sequence[Target]) -> None:
        """Refresh those that no worker is at and none has refreshed since."""
        token = uuid4().hex
        claims = await self._leases.claim([target.key for target in batch], token)
        for target in batch:
            claim = claims[target.key]
            if claim.state != "ours":
                self._schedule.put_back(target, time.monotonic() + claim.seconds)
                self._attempts.counts["leased_elsewhere"] += 1
        await self._attempt([target for target in batch if claims[target.key].state == "ours"], token)

    async def news(self, target: Target) -> bool | None:
        """Refresh a target though it is not due; tells whether that succeeded, None while another worker is at it."""
        if self._attempts.pause_s:
            return self._backs_off(target, 0.0)
        token = uuid4().hex
        claim = (await self._leases.claim([target.key], token, news=True))[target.key]
        if claim.state == "held":
            return None
        if claim.state != "ours":
            return self._backs_off(target, claim.seconds)
        return not await self._attempt([target], token)

    def _backs_off(self, target: Target, seconds: float) -> bool:
        self._schedule.hurry(target, time.monotonic() + seconds)
        self._attempts.counts["backing_off"] += 1
        return False

    async def _attempt(self, batch: Sequence[Target], token: str) -> Mapping[Target, Exception]:
        if not batch:
            return {}
        started = time.monotonic()
        async with self._leases.kept([target.key for target in batch], token):
            failures = await self._tried(batch)
        done = {target: self._succeeded(target, started) for target in batch if target not in failures}
        rests = {**done, **self._attempts.failed(failures)}
        await self._leases.settle({target.key: rest for target, rest in rests.items()}, token)
        # Only now: whoever is due before its lease is free comes in vain.
        for target, (_, seconds) in rests.items():
            self._schedule.put_back(target, time.monotonic() + seconds)
        return failures

    def _succeeded(self, target: Target, started: float) -> tuple[Rest, float]:
        state, seconds = self._attempts.succeeded(target, self._refresher.cadence_s(target))
        return state, max(0.0, started + seconds - time.monotonic())

    async def _tried(self, batch: Sequence[Target]) -> Mapping[Target, Exception]:
        """The errors by target. Our own server gone away is nobody's failure: it is raised."""
        try:
            async with asyncio.timeout(self._refresher.timeout_s):
                failures = await self._refresher.refresh_many(batch)
        except SERVER_AWAY:
            raise
        except TimeoutError:
            return dict.fromkeys(batch, RefreshError(f"it took longer than {self._refresher.timeout_s:g} s"))
        except Exception as error:  # noqa: BLE001 - whatever a subclass raises is its targets' failure
            return dict.fromkeys(batch, error)
        away = next((found for found in failures.values() if isinstance(found, SERVER_AWAY)), None)
        if away is not None:
            raise away
        return failures

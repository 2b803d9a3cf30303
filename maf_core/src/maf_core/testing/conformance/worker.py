"""The rules for workers, and those that refreshers keep besides."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from pydantic_core import from_json
from redis.asyncio import Redis

from maf_core.clock import parse_time
from maf_core.context import AppContext
from maf_core.plane.refresher import Refresher
from maf_core.records import FactoryRecord, RefresherSpec, WorkerSpec
from maf_core.streams.names import DEAD, GROUPS
from maf_core.streams.quiet import until_quiet
from maf_core.streams.raw import text
from maf_core.testing.conformance.base import Conformance
from maf_core.testing.conformance.server import payloads, put_garbage
from maf_core.testing.running import running
from maf_core.testing.waiting import wait_until
from maf_core.worker import Worker

MakeWorker = Callable[[], Worker]


class WorkerConformance(Conformance):
    """Rules for a worker.

    Must: `name`. May: `plugins`, `sections`, `stops_within_s`. Never: `make_worker`.
    """

    hook: ClassVar[str] = "maf_workers"
    kind: ClassVar[type[FactoryRecord]] = WorkerSpec
    stops_within_s: ClassVar[float] = 5.0

    @pytest.fixture
    def make_worker(self, context: AppContext) -> MakeWorker:
        """Never: make the worker as the service does."""
        return lambda: context.plugins.get(self.hook, self.kind, self.name).load()(context)

    @pytest.mark.asyncio
    async def test_w01_factory(self, make_worker: MakeWorker, redis: Redis) -> None:
        """MAF-W01 The factory takes the `AppContext`, gives a `Worker`, and writes nothing.

        All workers are made before any is prepared, also by a service that then does not start.
        """
        assert isinstance(make_worker(), Worker)
        assert await redis.dbsize() == 0, "making it wrote to the server"

    @pytest.mark.asyncio
    async def test_w02_prepare_twice(self, make_worker: MakeWorker, redis: Redis) -> None:
        """MAF-W02 `prepare` can be called again, and changes nothing then.

        Every service that starts prepares its workers, beside others that run already.
        """
        await make_worker().prepare()
        before = await _groups(redis)
        worker = make_worker()
        await worker.prepare()
        await worker.prepare()
        assert await _groups(redis) == before, "preparing again changed the consumer groups"

    @pytest.mark.asyncio
    async def test_w03_stops(self, make_worker: MakeWorker, redis: Redis) -> None:
        """MAF-W03 `run` returns within `stops_within_s` (5) seconds of `stop`, also when it was set before.

        A service that is told to stop has to hand its work over, not to be killed with it.
        """
        worker, stop = make_worker(), asyncio.Event()
        await worker.prepare()
        task = asyncio.create_task(worker.run(stop))
        await until_quiet(redis)  # it works by now
        stop.set()
        await asyncio.wait_for(task, self.stops_within_s)
        await asyncio.wait_for(make_worker().run(stop), self.stops_within_s)

    @pytest.mark.asyncio
    async def test_w04_side_by_side(self, make_worker: MakeWorker, redis: Redis) -> None:
        """MAF-W04 Two of it run side by side, and another after them.

        Any number of services share one server, and a worker that died is made anew.
        """
        async with asyncio.timeout(2 * self.stops_within_s):
            async with running(make_worker(), make_worker()):
                await until_quiet(redis)
            async with running(make_worker()):
                await until_quiet(redis)

    @pytest.mark.asyncio
    async def test_w05_bad_entries(self, make_worker: MakeWorker, redis: Redis) -> None:
        """MAF-W05 Entries that cannot be read do not stop it, and are given up at once with a `BadEntryError`.

        Other programs write to the same streams; whatever else a handler raises is tried again, in vain.
        """
        worker = make_worker()
        await worker.prepare()
        await put_garbage(redis, {stream for stream, _ in await _groups(redis)})
        async with asyncio.timeout(2 * self.stops_within_s), running(worker):
            await until_quiet(redis)
        reasons = [entry.get("reason", "") for entry in await payloads(redis, DEAD)]
        assert not [reason for reason in reasons if "its handler failed" in reason]


class RefresherConformance(WorkerConformance):
    """Rules for a refresher, beside those for workers.

    Must: `name`. May: `plugins`, `sections`, `stops_within_s`. Never: `make_worker`.
    """

    hook = "maf_refreshers"
    kind = RefresherSpec

    @pytest.mark.asyncio
    async def test_r01_nothing_watched(self, make_worker: MakeWorker, redis: Redis) -> None:
        """MAF-R01 While nothing is watched it fills nothing.

        The watch list says what is worth a call; a refresher that asks about all the world pays for all of it.
        """
        worker = make_worker()
        await worker.prepare()
        prepared = await _data(redis)
        async with running(worker):
            await until_quiet(redis)
        assert await _data(redis) == prepared, "it wrote data about targets that nobody watches"

    @pytest.mark.asyncio
    async def test_r02_heartbeat(self, make_worker: MakeWorker, redis: Redis) -> None:
        """MAF-R02 Its heartbeat, which every `Refresher` keeps, says when it was, expires, and goes with the worker.

        A missing key means that it does not run: one that stays behind says that a dead worker lives.
        """
        worker, key = make_worker(), f"maf:refresher:{self.name}:heartbeat"

        async def beats() -> bool:
            return await redis.get(key) is not None

        await worker.prepare()
        async with running(worker):
            await until_quiet(redis)
            if isinstance(worker, Refresher):
                await wait_until(beats)
            beat = await redis.get(key)
            assert beat is None or parse_time(from_json(beat)["ts"]), "it does not say when it was"
            assert beat is None or await redis.ttl(key) > 0, "it never expires"
        assert await redis.get(key) is None, "it stayed behind"


async def _groups(redis: Redis) -> set[tuple[str, str]]:
    """(stream, group) of every registered group; fails when one is not there."""
    members = [text(member).split("\n", 1) for member in await redis.smembers(GROUPS)]
    found: set[tuple[str, str]] = set()
    for stream, group in members:
        found |= {
            (stream, text(info["name"])) for info in await redis.xinfo_groups(stream) if text(info["name"]) == group
        }
    return found


async def _data(redis: Redis) -> set[Any]:
    """All keys but MAF's own, under which heartbeats and groups are kept."""
    return {key async for key in redis.scan_iter() if not text(key).startswith("maf:")}

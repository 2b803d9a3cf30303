"""The rules for what publishes finished runs: routers of decisions and publishers of envelopes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import NAMESPACE_URL, uuid5

import pytest
from redis.asyncio import Redis

from maf_core.arenas.config import ArenaConfig
from maf_core.arenas.run import FinishedRun, RunRequest
from maf_core.context import AppContext
from maf_core.records import FactoryRecord, PublisherSpec, RouterSpec
from maf_core.testing.conformance.base import Conformance
from maf_core.testing.conformance.server import payloads, published

MakeRun = Callable[..., FinishedRun]
_PHASES = [{"name": "decide", "agents": [{"name": "verdict", "role": "synthesis"}]}]


class PublishingConformance(Conformance):
    """Rules for whatever publishes finished runs; use `RouterConformance` or `PublisherConformance`.

    Must: `name`. May: `state`, `target`, `arena`, `plugins`, `sections`. Never: `publisher`, `make_run`.
    """

    hook: ClassVar[str]
    kind: ClassVar[type[FactoryRecord]]

    @pytest.fixture
    def state(self, target: dict[str, Any]) -> dict[str, Any]:
        """May: the state of a run that decided."""
        return {
            "target": target,
            "synthesis_verdict": "BUY",
            "synthesis_confidence": 0.8,
            "synthesis_score": 0.5,
            "synthesis_reasoning": "BUY at score +0.500",
        }

    @pytest.fixture
    def target(self) -> dict[str, Any]:
        """May: what the run was about."""
        return {"ticker": "AAPL", "trade_date": "2024-01-02"}

    @pytest.fixture
    def arena(self, context: AppContext) -> ArenaConfig:
        """May: the arena of the run; by default one that the record takes."""
        record = self._record(context)
        named = {"name": record.arena} if isinstance(record, PublisherSpec) else {"name": "conformance"}
        key = record.target_key if isinstance(record, RouterSpec) and record.target_key != "*" else "ticker"
        return ArenaConfig.model_validate({**named, "target_key": key, "phases": _PHASES})

    @pytest.fixture
    def publisher(self, context: AppContext) -> Any:
        """Never: made as the service makes it."""
        return self._record(context).load()(context)

    @pytest.fixture
    def make_run(self, arena: ArenaConfig, target: dict[str, Any], state: dict[str, Any]) -> MakeRun:
        """Never: a finished run of this command, as it comes from the engine."""

        def make(command: str, **more: Any) -> FinishedRun:
            request = RunRequest(arena.name, target, datetime(2024, 1, 2, 21, tzinfo=UTC), command)
            return FinishedRun(arena, request, _correlation(command), more.pop("state", state), 0.1, **more)

        return make

    def test_o01_factory(self, publisher: Any) -> None:
        """MAF-O01 The factory takes the `AppContext` and gives an object with `async publish(run)`.

        It is made when the service starts, and called when the first run is finished.
        """
        assert inspect.iscoroutinefunction(getattr(publisher, "publish", None))

    @pytest.mark.asyncio
    async def test_o02_once(self, context: AppContext, publisher: Any, make_run: MakeRun, redis: Redis) -> None:
        """MAF-O02 Publishing a run twice, from another service too, gives one entry and the same id.

        A run that is taken over is published again by whoever took it over.
        """
        first = await publisher.publish(make_run("a"))
        before = await published(redis)
        again = await self._record(context).load()(context).publish(make_run("a"))
        assert (type(first), again) == (str, first), f"the ids are {first!r} and {again!r}"
        assert sum(before.values()) == 1, f"one run gave {before}"
        assert await published(redis) == before, "the second time something was added"

    @pytest.mark.asyncio
    async def test_o03_each(self, publisher: Any, make_run: MakeRun, redis: Redis) -> None:
        """MAF-O03 Every run has an entry of its own, with the run's correlation id.

        Two decisions about one target on one day are two decisions.
        """
        ids = {await publisher.publish(make_run(command)) for command in ("a", "b")}
        assert len(ids) == 2, "two runs share an entry"
        (stream,) = await published(redis)
        told = await payloads(redis, stream)
        assert [payload.get("correlation_id") for payload in told] == [_correlation("a"), _correlation("b")]

    @pytest.mark.asyncio
    async def test_o04_failed(self, publisher: Any, make_run: MakeRun, redis: Redis) -> None:
        """MAF-O04 A failed run is published too, and so is one whose state holds nothing.

        Whoever waits for the decision must learn that there is none, and why.
        """
        await publisher.publish(make_run("a", error="the panel broke"))
        await publisher.publish(make_run("b", state={}))
        (length,) = (await published(redis)).values()
        assert length == 2

    def _record(self, context: AppContext) -> FactoryRecord:
        return context.plugins.get(self.hook, self.kind, self.name)


def _correlation(command: str) -> str:
    return uuid5(NAMESPACE_URL, command).hex


class RouterConformance(PublishingConformance):
    """Rules for an outbox router.

    Must: `name`. May: `state`, `target`, `arena`, `plugins`, `sections`. Never: `publisher`, `make_run`.
    """

    hook = "maf_outbox_routers"
    kind = RouterSpec


class PublisherConformance(PublishingConformance):
    """Rules for the publisher of an arena's envelope.

    Must: `name`. May: `state`, `target`, `arena`, `plugins`, `sections`. Never: `publisher`, `make_run`.
    """

    hook = "maf_envelope_publishers"
    kind = PublisherSpec

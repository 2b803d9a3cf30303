"""The application: its arenas, and what happens between a request and a published decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maf_core.arena_files import load_arenas
from maf_core.arenas.engine import ArenaEngine
from maf_core.arenas.remembering import remember
from maf_core.arenas.run import FinishedRun, RunRequest
from maf_core.plane.interest import Interest
from maf_core.records import PublisherSpec, RouterSpec, by_priority

if TYPE_CHECKING:
    from maf_core.arenas.record import RunRecord
    from maf_core.arenas.store import Beginning
    from maf_core.context import AppContext

__all__ = ["MAFApp", "load_arenas"]


class MAFApp:
    """Runs arenas and publishes what they decide."""

    def __init__(self, context: AppContext) -> None:
        self.context = context
        self._engine = ArenaEngine(context)
        self._interest = Interest(context)
        self._publishers = self._made("maf_envelope_publishers", PublisherSpec, key="arena")
        self._routers = self._made("maf_outbox_routers", RouterSpec, key="target_key")

    async def prepare(self) -> None:
        """Do ahead what the first runs would wait for."""
        await self._engine.prepare()

    async def beginning(self, request: RunRequest) -> Beginning | None:
        """What writes the run's record in the step that lets it begin; None when its arena is not there."""
        return await self._engine.beginning(request)

    async def run(self, request: RunRequest, begun: RunRecord | None = None) -> FinishedRun:
        """Run the arena, publish its envelope and hand the decision to the outbox of its target key.

        Safe to repeat: a run that was finished is not run again, and what was published is not published again. Of a
        cancelled run nothing is published.
        """
        run = await self._engine.run(request, begun)
        if run.status == "cancelled":
            return run
        await self._interest.arena_runs(run.arena.target_key, run.request.target)
        publisher = self._publishers.get(run.arena.name)
        if publisher is not None:
            await publisher.publish(run)
        await remember(self.context, run)  # before anybody can act on it, so that no outcome comes first
        self.context.events.emit(
            "decision.emit",
            arena=run.arena.name,
            arena_id=run.arena_id,
            correlation_id=run.correlation_id,
            verdict=run.state.get("synthesis_verdict"),
            confidence=run.state.get("synthesis_confidence"),
        )
        router = self._routers.get(run.arena.target_key) or self._routers["*"]
        await router.publish(run)
        return run

    async def cancel(self, arena_id: str, reason: str, request: RunRequest | None = None) -> bool:
        """End a run now, wherever it is; see `ArenaEngine.cancel`."""
        return await self._engine.cancel(arena_id, reason, request)

    async def end_cancelled(self) -> None:
        """End the runs of this process that another has cancelled."""
        await self._engine.end_cancelled()

    def _made(self, hook: str, kind: type[Any], key: str) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for spec in by_priority(self.context.plugins.records(hook, kind)):
            made.setdefault(getattr(spec, key), spec.load()(self.context))
        return made

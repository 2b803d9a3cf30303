"""The plugin of the chaos: an arena's one specialist, cheap and by rule, and a publisher of envelopes.

It is copied into the config folder of the services, and loads there as a one-file plugin.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from maf_core import Agent, AgentSpec, AppContext, FinishedRun, PublisherSpec, RunContext, State, hookimpl, publish_once

# One in so many runs takes longer than the lease; one in so many decides to buy.
SLOW, BUYS = 97, 100
SLOW_SECONDS = 2.5


class Oracle(Agent):
    """Judges by the number in the ticker."""

    async def run(self, state: State, context: RunContext) -> State:
        number = int(context.request.target["ticker"].removeprefix("S"))
        await asyncio.sleep(SLOW_SECONDS if number % SLOW == 0 else 0.002)
        direction = "BULLISH" if number % BUYS == 0 else "NEUTRAL"
        signal = {"agent": self.name, "domain": "chaos", "signal": direction, "confidence": 0.8}
        return {"signals": {self.name: signal}}


class EnvelopePublisher:
    """One envelope for each run."""

    def __init__(self, context: AppContext) -> None:
        self._redis = context.redis

    async def publish(self, run: FinishedRun) -> str:
        envelope = {
            "schema_version": "1",
            "arena": run.arena.name,
            "arena_id": run.arena_id,
            "correlation_id": run.correlation_id,
            "verdict": run.state["synthesis_verdict"],
        }
        done = await publish_once(self._redis, f"maf:arena:{run.arena.name}:output", run.arena_id, envelope)
        return done.id


@hookimpl
def maf_agents() -> Iterator[AgentSpec]:
    yield AgentSpec(name="oracle", factory=Oracle)


@hookimpl
def maf_envelope_publishers() -> Iterator[PublisherSpec]:
    yield PublisherSpec(name="chaos", arena="chaos", factory=EnvelopePublisher)

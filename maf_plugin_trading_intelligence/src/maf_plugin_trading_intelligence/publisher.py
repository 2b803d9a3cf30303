"""Publishes what a finished run decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maf_plugin_trading_intelligence.build import build_envelope_from_state
from maf_plugin_trading_intelligence.publish import DEFAULT_STREAM_NAME, publish_envelope

if TYPE_CHECKING:
    from maf_core import AppContext, FinishedRun


class EnvelopePublisher:
    """The publisher of the arena `trading_intelligence`."""

    def __init__(self, context: AppContext) -> None:
        self._redis = context.redis

    async def publish(self, run: FinishedRun) -> str:
        """Publish the run's envelope once, write its look-up hash, and return the stream entry's id."""
        state = {**run.state, "arena_id": run.arena_id}
        envelope = build_envelope_from_state(state, correlation_id=run.correlation_id, extra_meta=run.meta)
        return await publish_envelope(self._redis, DEFAULT_STREAM_NAME, envelope)

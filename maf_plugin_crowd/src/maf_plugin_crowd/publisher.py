"""Publishes what a finished run of the crowd predicts and decides."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from maf_plugin_crowd.deciding import decider_of
from maf_plugin_crowd.publish import DEFAULT_STREAM_NAME, publish_run

if TYPE_CHECKING:
    from maf_core import AppContext, FinishedRun


class CrowdPublisher:
    """The publisher of the arena `crowd_simulation`."""

    def __init__(self, context: AppContext) -> None:
        self._redis = context.redis
        self._plugins = context.plugins

    async def publish(self, run: FinishedRun) -> str:
        """Publish the run's envelope once and return the entry's id; empty for a run that came to no prediction."""
        if "prediction" not in run.state:
            return ""
        decider = decider_of(self._plugins, run.state["prediction"]["source_type"])
        payload = {
            "prediction": {**run.state["prediction"], "generated_at": run.request.as_of.isoformat()},
            "decision_kind": run.state["decision_kind"],
            "decision": run.state["decision"],
            "published_at": datetime.now(UTC).isoformat(),
            "correlation_id": run.correlation_id,
        }
        return await publish_run(self._redis, DEFAULT_STREAM_NAME, run.arena_id, payload, decider)

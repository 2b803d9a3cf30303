"""A panel of voters who take their time: the whole run beside the slowest voter, and what a hanging one costs.

Voters are agents of the real arena engine on an embedded server; each answers after `--seconds`, as a model does.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from maf_core import Agent, AgentSpec, RunContext, State, hookimpl
from maf_core.app import MAFApp
from maf_core.arenas.config import ArenaConfig
from maf_core.arenas.run import RunRequest
from maf_core.context import AppContext
from maf_core.plugins import Candidate, PluginManager, Selection, discover
from maf_core.settings import Settings
from maf_core.streams.connect import connect
from maf_core.streams.embedded import EmbeddedServer
from maf_plugin_crowd.agents.state import voted
from maf_plugin_crowd.votes import vote_of

SECONDS = 0.2


class SlowVoter(Agent):
    """Says after a while what a model would."""

    async def run(self, state: State, context: RunContext) -> State:
        await asyncio.sleep(SECONDS)
        said = {"outcome": "YES", "probability": 0.7, "horizon_hours": 24, "drivers": ["time"]}
        return voted([vote_of(said, self.name, "slow:model", state["question"]["outcomes"])], {})


class Slow:
    @staticmethod
    @hookimpl
    def maf_agents() -> Iterator[AgentSpec]:
        yield AgentSpec(name="slow_voter", factory=SlowVoter, summary="Takes its time")


def arena(voters: int) -> ArenaConfig:
    panel = [{"name": f"voter_{number}", "role": "slow_voter"} for number in range(voters)]
    phases = [
        {"name": "ask", "agents": [{"name": "question", "role": "crowd_question"}]},
        {"name": "vote", "pattern": "parallel", "agents": panel},
        {"name": "decide", "agents": [{"name": "decide", "role": "crowd_decide"}]},
    ]
    return ArenaConfig.model_validate({"name": "crowd_simulation", "target_key": "source_id", "phases": phases})


async def main(voters: int, rounds: int) -> float:
    plugins = PluginManager.load(Selection(), [*discover(), Candidate("slow", "slow", "1", module=Slow)])
    took = []
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedServer(Path(folder))
        await server.start()
        async with connect(server.url) as redis:
            app = MAFApp(AppContext.create(redis, Settings(), plugins, {"crowd_simulation": arena(voters)}))
            for number in range(rounds + 1):
                target = {"source_id": str(number), "source_type": "oddsoddy_strategy", "text": "Home side wins"}
                started = time.perf_counter()
                run = await app.run(RunRequest("crowd_simulation", target, datetime.now(UTC), f"c{number}"))
                took.append(time.perf_counter() - started)
                assert len(run.state["prediction"]["model_votes"]) == voters, run.error
        await server.stop()
    return statistics.median(took[1:])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--voters", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    median = asyncio.run(main(options.voters, options.rounds))
    print(f"{options.voters} voters of {SECONDS * 1000:.0f} ms: {median * 1000:.0f} ms a run, with all it publishes")
    print(f"load average {os.getloadavg()[0]:.1f}")
    sys.exit(median > SECONDS + 0.06)

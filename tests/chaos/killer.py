"""Hits services and server at random, spread evenly over the work."""

from __future__ import annotations

import asyncio
import math
import random
import signal
from collections import Counter

from tests.chaos.config import LEASE_S
from tests.chaos.scene import Scene
from tests.chaos.services import Post

# How often each kind comes, of 20.
SHARES = {
    "kill service": 7,
    "stall service": 4,
    "stop service": 3,
    "kill server": 4,
    "restart server": 1,
    "drop connections": 1,
}


def plan(kills: int, chance: random.Random) -> list[str]:
    """So many faults, in their shares, in random order."""
    kinds = [kind for kind, share in SHARES.items() for _ in range(share)]
    sets = range(math.ceil(kills / len(kinds)))
    return [fault for _ in sets for fault in chance.sample(kinds, len(kinds))][:kills]


class Killer:
    """Carries the plan out. `done`: how many of each kind there were."""

    def __init__(self, scene: Scene, chance: random.Random) -> None:
        self.done: Counter[str] = Counter()
        self._server = scene.server
        self._posts = scene.posts
        self._progress = scene.progress
        self._chance = chance
        self._server_free = asyncio.Lock()

    async def run(self, faults: list[str], executions: int) -> None:
        """Let the faults fall at random moments of the way to so many executions; they may overlap."""
        moments = sorted(self._chance.random() for _ in faults)
        async with asyncio.TaskGroup() as group:
            for fault, moment in zip(faults, moments, strict=True):
                await self._progress.at_least(int(moment * executions))
                group.create_task(self._strike(fault, self._chance.choice(self._posts)))
                self.done[fault] += 1

    async def _strike(self, fault: str, post: Post) -> None:
        if fault == "kill service":
            post.send(signal.SIGKILL)
        elif fault == "stop service":
            post.send(signal.SIGTERM)
        elif fault == "stall service":
            await post.stall(LEASE_S * self._chance.uniform(1.2, 2.5))
        elif fault == "drop connections":
            await self._server.drop_connections()
        else:
            await self._strike_server(fault)

    async def _strike_server(self, fault: str) -> None:
        async with self._server_free:
            await (self._server.kill() if fault == "kill server" else self._server.shut_down())
            await asyncio.sleep(self._chance.choice([0.0, 0.3, 1.5]))
            await self._server.start()

"""Kill, stall and restart services and server again and again while they work."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.config import write_config
from tests.chaos.killer import Killer, plan
from tests.chaos.load import Load, fires
from tests.chaos.scene import Outcome, log_of, staged
from tests.chaos.server import Server
from tests.chaos.services import Post

from maf_core.streams.valkey import free_port


@dataclass(frozen=True, slots=True)
class Killing:
    """How many entries and faults, decided by which seed, with which server; data and logs go to `folder`."""

    entries: int
    kills: int
    seed: int
    binary: str
    folder: Path
    fsync: str = "always"
    services: int = 2


@dataclass(frozen=True, slots=True)
class Killed:
    """What came of it."""

    outcome: Outcome
    faults: Counter[str]
    starts: int
    odd_ends: list[int]
    seconds: float

    @property
    def clean(self) -> bool:
        """Whether nothing was lost, doubled or odd."""
        return self.outcome.found.clean and not self.outcome.stuck and not self.odd_ends


async def perform(killing: Killing) -> Killed:
    """Run it."""
    started, chance = time.monotonic(), random.Random(killing.seed)
    config, folder = write_config(killing.folder / "config"), killing.folder
    server = Server(killing.binary, folder / "server", free_port(), killing.fsync)
    numbers = range(1, killing.services + 1)
    posts = [Post(server.url, config, log_of(folder, number)) for number in numbers]
    async with staged(server, posts) as scene:
        load = Load(scene.redis, killing.entries, scene.progress)
        killer = Killer(scene, chance)
        due = sum(map(fires, range(1, killing.entries + 1)))
        outcome = await scene.play(load, killer.run(plan(killing.kills, chance), due))
    starts, odd_ends = sum(post.starts for post in posts), [code for post in posts for code in post.odd_ends]
    return Killed(outcome, killer.done, starts, odd_ends, time.monotonic() - started)


def told(killing: Killing, killed: Killed) -> Iterator[str]:
    """The figures, a line each."""
    found, load = killed.outcome.found, killed.outcome.load
    whole = killing.entries - len(set(found.lost + found.doubled))
    yield f"seed {killing.seed}: {killing.entries} entries in {killed.seconds:.0f} s, {whole} of them whole"
    yield f"{load.accepted} accepted, {load.repeats} of them told so only when asked again"
    yield from (f"{count:4} × {fault}" for fault, count in sorted(killed.faults.items()))
    faults = sum(killed.faults.values())
    yield f"{faults} faults, {killed.starts} starts of services, {found.taken_over} runs taken over"
    yield from (f"a service ended with exit code {code}" for code in killed.odd_ends)

"""Cut one of two machines off while both work, and let it come back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from redis.asyncio import Redis
from tests.chaos.config import write_config
from tests.chaos.load import Load
from tests.chaos.machines import HUB_ADDRESS, Machines
from tests.chaos.scene import Outcome, Scene, log_of, staged
from tests.chaos.server import Server
from tests.chaos.services import Post

from maf_core.streams.names import CONTROL_IN, GROUPS
from maf_core.streams.raw import text
from maf_core.testing import wait_until

_PORT = 6379
_BEFORE_SECONDS, _AFTER_SECONDS = 4.0, 8.0
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Cutting:
    """For how many seconds, and how many entries come in a second."""

    seconds: float
    binary: str
    folder: Path
    per_second: int = 80
    fsync: str = "always"

    @property
    def entries(self) -> int:
        """As many as come from some seconds before the cut to some after."""
        return int((_BEFORE_SECONDS + self.seconds + _AFTER_SECONDS) * self.per_second)


@dataclass(slots=True)
class Times:
    """Seconds: from the cut until nothing is held by who was cut off, and from the mending until it works again."""

    taken_over: float = 0.0
    back: float = 0.0
    held: int = 0


@dataclass(frozen=True, slots=True)
class Cut:
    """What came of it."""

    outcome: Outcome
    times: Times
    starts: int

    @property
    def clean(self) -> bool:
        """Whether nothing was lost or doubled, and both processes lived on."""
        return self.outcome.found.clean and not self.outcome.stuck and self.starts == 2


@dataclass(slots=True)
class _Cable:
    """The cable of machine 1."""

    machines: Machines
    scene: Scene
    seconds: float
    times: Times = field(default_factory=Times)

    async def pull(self) -> None:
        """Pull it for the time, and look what happens."""
        await asyncio.sleep(_BEFORE_SECONDS)
        name, redis = f"-{self.scene.posts[0].pid}-", self.scene.redis
        await wait_until(lambda: held(redis, name), _PATIENCE_SECONDS)
        self.machines.cut(1)
        cut_at = time.monotonic()
        self.times.held = await held(redis, name)
        await wait_until(lambda: nothing_held(redis, name), _PATIENCE_SECONDS)
        self.times.taken_over = time.monotonic() - cut_at
        await asyncio.sleep(cut_at + self.seconds - time.monotonic())
        self.machines.mend(1)
        mended_at = time.monotonic()
        await wait_until(lambda: seen_since(redis, name, mended_at), _PATIENCE_SECONDS)
        self.times.back = time.monotonic() - mended_at


async def perform(cutting: Cutting) -> Cut:
    """Run it."""
    config, folder = write_config(cutting.folder / "config"), cutting.folder
    with Machines(2) as machines:
        server = Server(cutting.binary, folder / "server", _PORT, cutting.fsync, HUB_ADDRESS, machines.on(0))
        posts = [Post(server.url, config, log_of(folder, number), machines.on(number)) for number in (1, 2)]
        async with staged(server, posts) as scene:
            load = Load(scene.redis, cutting.entries, scene.progress, cutting.per_second)
            cable = _Cable(machines, scene, cutting.seconds)
            outcome = await scene.play(load, cable.pull())
    return Cut(outcome, cable.times, sum(post.starts for post in posts))


def told(cutting: Cutting, cut: Cut) -> Iterator[str]:
    """The figures, a line each."""
    yield f"{cutting.entries} entries, one of two machines cut off for {cutting.seconds:g} s"
    yield f"it held {cut.times.held} entries; the other had taken all over after {cut.times.taken_over:.1f} s"
    yield f"it worked again {cut.times.back:.1f} s after the cable was put in"
    yield f"{cut.starts} starts of services, {cut.outcome.found.taken_over} runs taken over"


async def held(redis: Redis, name: str) -> int:
    """How many entries consumers with this in their name hold."""
    members = [text(member).partition("\n") for member in await redis.smembers(GROUPS)]
    rows = [row for stream, _, group in members for row in await redis.xinfo_consumers(stream, group)]
    return sum(row["pending"] for row in rows if name in text(row["name"]))


async def nothing_held(redis: Redis, name: str) -> bool:
    """Whether they hold nothing."""
    return not await held(redis, name)


async def seen_since(redis: Redis, name: str, moment: float) -> bool:
    """Whether such a consumer has asked for commands since this moment of the monotonic clock."""
    idle_ms = (time.monotonic() - moment) * 1000
    rows = await redis.xinfo_consumers(CONTROL_IN, "maf:control")
    return any(name in text(row["name"]) and row["idle"] < idle_ms for row in rows)

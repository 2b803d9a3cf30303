"""What a chaos needs: a server, services that somebody restarts, load, and an eye on what comes out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from tests.chaos.audit import Audit, Findings
from tests.chaos.load import Load
from tests.chaos.progress import Progress, StuckError
from tests.chaos.server import Server
from tests.chaos.services import Post

from maf_core.streams.connect import connect
from maf_core.streams.quiet import until_quiet
from maf_core.testing import wait_until

_START_SECONDS = 60.0
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What every scene ends with. `stuck`: why it was given up, if it was."""

    found: Findings
    load: Load
    stuck: str = ""


class Scene:
    """One server and its services."""

    def __init__(self, server: Server, posts: Sequence[Post], redis: Redis) -> None:
        self.server = server
        self.posts = posts
        self.redis = redis
        self.progress = Progress(redis, _PATIENCE_SECONDS)

    async def play(self, load: Load, happening: Coroutine[Any, Any, None]) -> Outcome:
        """Publish the load while something happens; when nobody has anything left to do, stop all and audit."""
        stuck = ""
        try:
            await self._until_done(load, happening)
        except* StuckError as error:
            stuck = str(error.exceptions[0])
        for post in self.posts:
            await post.close()
        return Outcome(await Audit(self.redis).look(load.numbers), load, stuck)

    async def _until_done(self, load: Load, happening: Coroutine[Any, Any, None]) -> None:
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self.progress.watch())
            loading = group.create_task(load.run())
            await happening
            await loading
            await until_quiet(self.redis)
            watching.cancel()


@asynccontextmanager
async def staged(server: Server, posts: Sequence[Post]) -> AsyncIterator[Scene]:
    """Server and services up, and gone at the end, whatever happens."""
    await server.start()
    try:
        async with connect(server.at_hand) as redis:
            for post in posts:
                post.man()
            await wait_until(lambda: _all_there(redis, len(posts)), _START_SECONDS)
            yield Scene(server, posts, redis)
    finally:
        for post in posts:
            await post.abandon()
        await server.kill()


async def _all_there(redis: Redis, services: int) -> bool:
    return len(await redis.keys("maf:service:*")) >= services


def log_of(folder: Path, number: int) -> Path:
    """Where the service with this number writes its log."""
    return folder / f"service-{number}.log"

"""Wait for a server that is away."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 0.2
_PATIENCE_SECONDS = 2.0
# One that comes and goes is told of once in a while.
_QUIET_SECONDS = 10.0


class ServerAway:
    """Whether the server is away, as far as the workers of this process have noticed."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._since: float | None = None
        self._told: float | None = None

    def noticed(self, error: Exception) -> None:
        """Somebody got no answer."""
        now = asyncio.get_running_loop().time()
        self._since = self._since or now
        if self._told is None or now - self._told > _QUIET_SECONDS:
            log.warning("server_away", error=str(error), now="the workers wait for it")
        self._told = now

    async def until_back(self, stop: asyncio.Event) -> bool:
        """Return when the server answers, or `stop` is set; whether it was away at all."""
        if self._since is None:
            return False
        while self._since is not None and not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _LOOK_SECONDS)
            if await self._answers():
                self._is_back()
        return True

    def _is_back(self) -> None:
        if self._since is not None:
            log.info("server_back", after_s=round(asyncio.get_running_loop().time() - self._since, 1))
        self._since = None

    async def _answers(self) -> bool:
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return bool(await self._redis.ping())
        return False

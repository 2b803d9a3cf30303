"""How a service process says that it is alive, and with which configuration."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from maf_core.context import AppContext

HEARTBEAT_SECONDS = 5.0


def heartbeat_key(pid: int) -> str:
    """Where the service process of this machine with this pid says that it is alive."""
    return f"maf:service:{socket.gethostname()}-{pid}"


class Heart:
    """Beats every few seconds, and at once when there is something new."""

    def __init__(self, context: AppContext, workers: Sequence[str], restarts: Mapping[str, int]) -> None:
        self._context = context
        self._workers = workers
        self._restarts = restarts
        self._new = asyncio.Event()

    def soon(self) -> None:
        """Do not wait for the next beat."""
        self._new.set()

    async def beat(self) -> None:
        """Beat until cancelled."""
        redis, key = self._context.redis, heartbeat_key(os.getpid())
        while True:
            self._new.clear()
            status = self._status()
            with suppress(RedisError, OSError):
                await redis.set(key, to_json(status), ex=int(HEARTBEAT_SECONDS * 3))
            self._context.events.emit("system.status", **status)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._new.wait(), HEARTBEAT_SECONDS)

    def _status(self) -> dict[str, Any]:
        """`config`: the last call to reload that was followed, what is wrong with the files as they are now, and the
        settings that have changed since the start.
        """
        config = self._context.config
        return {
            "ts": datetime.now(UTC).isoformat(),
            "workers": list(self._workers),
            "restarts": dict(self._restarts),
            "arenas": sorted(self._context.arenas),
            "config": {
                "revision": config.revision,
                "fault": config.fault,
                "needs_restart": list(config.needs_restart),
            },
        }

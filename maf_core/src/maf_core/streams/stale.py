"""Keep a pool from handing out connections whose server has gone."""

from __future__ import annotations

from inspect import signature
from typing import Any

from redis.asyncio.connection import AbstractConnection

_LISTENS = "maint_notifications_config"


def without_stale() -> dict[str, Any]:
    """What to tell a connection, so that its pool looks whether it still stands before somebody gets it.

    From redis-py 8.1 on a pool does not look while it listens for notices of maintenance, which it does by default.
    """
    if _LISTENS not in signature(AbstractConnection).parameters:
        return {}
    from redis.maint_notifications import MaintNotificationsConfig

    return {_LISTENS: MaintNotificationsConfig(enabled=False)}

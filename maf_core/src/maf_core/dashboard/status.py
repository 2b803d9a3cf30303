"""How the system does: the server, the services, every worker, and what asks for a person."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from redis.asyncio import Redis

from maf_core import heartbeats
from maf_core.dashboard.attention import AWAY, PATIENCE_SECONDS, Facts, attention, look_closer

if TYPE_CHECKING:
    from maf_core.context import AppContext


async def look(context: AppContext) -> Facts:
    """Everything as it is now: `redis`, `services`, `workers`, what `look_closer` finds, and `attention`, sentences.

    A server that does not answer is a fact, not an error; then nothing is known of what it holds.
    """
    services: list[Facts] | None = None
    beats: dict[str, Facts] = {}
    closer: Facts = dict.fromkeys(("trading", "waiting", "dead_letters", "refusals", "streams"))
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            redis = await _redis(context.redis)
            services = await heartbeats.services(context.redis)
            beats = await heartbeats.refreshers(context.redis, _names(context, "maf_refreshers"))
    except AWAY as error:
        redis = {"status": "away", "reason": str(error) or "no answer in time"}
    else:
        closer = await look_closer(context)
    workers = [_worker(name, "worker", name, services, None) for name in _names(context, "maf_workers")]
    workers += [
        _worker(name, "refresher", f"{name} (refresher)", services, beats.get(name))
        for name in _names(context, "maf_refreshers")
    ]
    facts = {"ts": datetime.now(UTC).isoformat(), "redis": redis, "services": services or [], "workers": workers}
    return {**facts, **closer, "attention": list(attention({**facts, **closer}))}


async def answers(context: AppContext) -> bool:
    """Whether the server answers, in time."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return bool(await context.redis.ping())
    except AWAY:
        return False


def _names(context: AppContext, hook: str) -> list[str]:
    return [given.record.name for given in context.plugins.given(hook)]


async def _redis(redis: Redis) -> Facts:
    started = time.perf_counter()
    await redis.ping()
    return {"status": "ok", "ms": round((time.perf_counter() - started) * 1000, 3)}


def _worker(name: str, kind: str, listed: str, services: list[Facts] | None, heartbeat: Facts | None) -> Facts:
    """One worker: `services` that run it, and how often they had to make it anew."""
    homes = [service for service in services or () if listed in service.get("workers", ())]
    running = "ok" if homes or heartbeat else "not running"
    return {
        "name": name,
        "kind": kind,
        "status": "unknown" if services is None else running,
        "services": [service["name"] for service in homes],
        "restarts": sum(service.get("restarts", {}).get(listed, 0) for service in homes),
        "heartbeat": heartbeat,
    }

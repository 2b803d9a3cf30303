"""How the system does: the server, the services, and every worker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json
from redis.asyncio import Redis

from maf_core.clock import parse_time
from maf_core.errors import BadEntryError
from maf_core.streams.consume import SERVER_AWAY
from maf_core.streams.raw import text

if TYPE_CHECKING:
    from maf_core.context import AppContext

_PATIENCE_SECONDS = 3.0
_SERVICES = "maf:service:"
_AWAY = (*SERVER_AWAY, TimeoutError, OSError)

Facts = dict[str, Any]


async def look(context: AppContext) -> Facts:
    """`redis`, `services` and `workers` as they are now. A server that does not answer is a fact, not an error."""
    services: list[Facts] | None = None
    heartbeats: dict[str, Facts] = {}
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            redis = await _redis(context.redis)
            services = await _services(context.redis)
            heartbeats = await _heartbeats(context.redis, _names(context, "maf_refreshers"))
    except _AWAY as error:
        redis = {"status": "away", "reason": str(error) or "no answer in time"}
    workers = [_worker(name, "worker", name, services, None) for name in _names(context, "maf_workers")]
    workers += [
        _worker(name, "refresher", f"{name} (refresher)", services, heartbeats.get(name))
        for name in _names(context, "maf_refreshers")
    ]
    return {"ts": datetime.now(UTC).isoformat(), "redis": redis, "services": services or [], "workers": workers}


async def answers(context: AppContext) -> bool:
    """Whether the server answers, in time."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return bool(await context.redis.ping())
    except _AWAY:
        return False


def _names(context: AppContext, hook: str) -> list[str]:
    return [given.record.name for given in context.plugins.given(hook)]


async def _redis(redis: Redis) -> Facts:
    started = time.perf_counter()
    await redis.ping()
    return {"status": "ok", "ms": round((time.perf_counter() - started) * 1000, 3)}


async def _services(redis: Redis) -> list[Facts]:
    """The services that have said lately that they are alive."""
    keys = sorted({text(key) async for key in redis.scan_iter(match=f"{_SERVICES}*", count=1000)})
    found = await _objects(redis, keys)
    return [{"name": key.removeprefix(_SERVICES), **_aged(said)} for key, said in found.items()]


async def _heartbeats(redis: Redis, refreshers: list[str]) -> dict[str, Facts]:
    keys = {f"maf:refresher:{name}:heartbeat": name for name in refreshers}
    return {keys[key]: _aged(said) for key, said in (await _objects(redis, keys)).items()}


async def _objects(redis: Redis, keys: Iterable[str]) -> dict[str, Facts]:
    """What stands under these keys, as far as it is there and is a JSON object. One round trip."""
    keys = list(keys)
    pipeline = redis.pipeline(transaction=False)
    for key in keys:
        pipeline.get(key)
    found = await pipeline.execute(raise_on_error=False) if keys else []
    read = {key: _object(raw) for key, raw in zip(keys, found, strict=True)}
    return {key: said for key, said in read.items() if said is not None}


def _object(raw: Any) -> Facts | None:
    try:
        said = from_json(raw) if isinstance(raw, bytes) else None
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def _aged(said: Facts) -> Facts:
    """A heartbeat with its age in seconds; None when it does not say when it beat."""
    try:
        age = (datetime.now(UTC) - parse_time(said.get("ts"))).total_seconds()
    except BadEntryError:
        return {**said, "age_s": None}
    return {**said, "age_s": round(max(0.0, age), 3)}


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

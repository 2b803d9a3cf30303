"""Read what services and refreshers say about themselves while they live."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from pydantic_core import from_json
from redis.asyncio import Redis

from maf_core.clock import parse_time
from maf_core.errors import BadEntryError
from maf_core.streams.raw import text

_SERVICES = "maf:service:"

Heartbeat = dict[str, Any]


async def services(redis: Redis) -> list[Heartbeat]:
    """The services that have said lately that they are alive, by `name`, each with the age of its heartbeat."""
    keys = sorted({text(key) async for key in redis.scan_iter(match=f"{_SERVICES}*", count=1000)})
    found = await _objects(redis, keys)
    return [{"name": key.removeprefix(_SERVICES), **_aged(said)} for key, said in found.items()]


async def refreshers(redis: Redis, names: Iterable[str]) -> dict[str, Heartbeat]:
    """The heartbeats of these refreshers; one that does not run has none."""
    keys = {f"maf:refresher:{name}:heartbeat": name for name in names}
    return {keys[key]: _aged(said) for key, said in (await _objects(redis, keys)).items()}


def config_troubles(service: Heartbeat) -> Iterator[str]:
    """What keeps a service from the configuration that its files hold now, a sentence each."""
    config = service.get("config")
    if not isinstance(config, dict):
        return
    if config.get("fault"):
        yield f"{service['name']} goes on with its old configuration: {config['fault']}"
    if config.get("needs_restart"):
        changed = ", ".join(map(str, config["needs_restart"]))
        yield f"{service['name']} must be restarted for what has changed: {changed}"


async def _objects(redis: Redis, keys: Iterable[str]) -> dict[str, Heartbeat]:
    """What stands under these keys, as far as it is there and is a JSON object. One round trip."""
    keys = list(keys)
    pipeline = redis.pipeline(transaction=False)
    for key in keys:
        pipeline.get(key)
    found = await pipeline.execute(raise_on_error=False) if keys else []
    read = {key: _object(raw) for key, raw in zip(keys, found, strict=True)}
    return {key: said for key, said in read.items() if said is not None}


def _object(raw: Any) -> Heartbeat | None:
    try:
        said = from_json(raw) if isinstance(raw, bytes) else None
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def _aged(said: Heartbeat) -> Heartbeat:
    """A heartbeat with its age in seconds; None when it does not say when it beat."""
    try:
        age = (datetime.now(UTC) - parse_time(said.get("ts"))).total_seconds()
    except BadEntryError:
        return {**said, "age_s": None}
    return {**said, "age_s": round(max(0.0, age), 3)}

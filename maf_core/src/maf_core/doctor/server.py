"""The server: whether it answers, whether it keeps what it is given, and the clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from maf_core.doctor.findings import Finding, Patient, found_by

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from maf_core.settings import Settings

Look = Callable[["Redis", "Settings"], Awaitable[list[Finding]]]


async def redis(patient: Patient) -> list[Finding]:
    """Whether it answers, and everything that can be known only when it does."""
    from maf_core.doctor import operations
    from maf_core.settings import load_settings
    from maf_core.streams.connect import EMBEDDED, connect, masked

    settings = load_settings(patient.config_dir, redis_url=patient.redis_url)
    if settings.redis_url == EMBEDDED:
        return [Finding("redis", True, "embedded: started when it is needed")]
    looks: dict[str, Look] = {
        "cluster": cluster,
        "eviction": eviction,
        "persistence": persistence,
        "services": operations.services,
        "clock": clock,
        "trading": operations.trading,
        "dead letters": operations.dead_letters,
        "streams": operations.streams,
    }
    async with connect(settings.redis_url) as client:
        info = (await _infos(client, "server"))[0]
        kind = "valkey" if "valkey_version" in info else "redis"
        version = info.get("valkey_version", info["redis_version"])
        found = [Finding("redis", True, f"{kind} {version} at {masked(settings.redis_url)}")]
        for name, look in looks.items():
            found += await found_by(name, look(client, settings))
    return found


async def cluster(client: Redis, _: Settings) -> list[Finding]:
    """A single server, or a cluster that serves all slots."""
    if not (await _infos(client, "cluster"))[0].get("cluster_enabled"):
        return [Finding("cluster", True, "no: a single server")]
    state = await client.execute_command("CLUSTER INFO")  # type: ignore[no-untyped-call]
    fine = state.get("cluster_state") == "ok"
    detail = f"{state.get('cluster_size')} primaries of {state.get('cluster_known_nodes')} nodes, state "
    return [Finding("cluster", fine, f"{detail}{state.get('cluster_state')}", "Bring its nodes back: CLUSTER NODES")]


async def eviction(client: Redis, _: Settings) -> list[Finding]:
    """A full server must refuse what comes, and not forget what is there."""
    infos = await _infos(client, "memory")
    limits = {(info.get("maxmemory_policy", "unknown"), bool(info.get("maxmemory"))) for info in infos}
    said = ", ".join(sorted(f"{policy}, {'limited' if limited else 'no limit'}" for policy, limited in limits))
    fine = all(policy == "noeviction" or not limited for policy, limited in limits)
    fix = "Set maxmemory-policy noeviction: with any other, a full server forgets streams, or that they were published."
    return [Finding("eviction", fine, f"maxmemory-policy {said}", fix)]


async def persistence(client: Redis, _: Settings) -> list[Finding]:
    """What was accepted should survive the server."""
    appending = all(info.get("aof_enabled") for info in await _infos(client, "persistence"))
    fix = "Set appendonly yes, and appendfsync always or everysec: a server that dies forgets what it accepted."
    if not appending:
        return [Finding("persistence", False, "there is no append-only file", fix)]
    policies = await _policies(client)
    detail = f"append-only file, appendfsync {', '.join(sorted(policies)) or 'unknown'}"
    if "everysec" in policies:
        detail += ": a machine that dies loses the last second or two"
    return [Finding("persistence", "no" not in policies, detail, fix)]


async def clock(client: Redis, _: Settings) -> list[Finding]:
    """Ids of entries come from the server's clock, and times of runs from this machine's."""
    from maf_core.clock import ServiceClock

    seconds, microseconds = await client.time()
    drift = abs((datetime.now(UTC) - datetime.fromtimestamp(seconds + microseconds / 1e6, UTC)).total_seconds())
    now = await ServiceClock(client).now()
    detail = f"{now:%Y-%m-%d %H:%M} UTC; the server's clock is {drift:.1f} s off"
    return [Finding("clock", drift < 5, detail, "Synchronise the clocks (NTP).")]


async def _policies(client: Redis) -> set[str]:
    """The appendfsync of every primary; none where the server does not tell, as hosted ones do not."""
    from redis.exceptions import ResponseError

    try:
        answers = _each(client, await client.config_get("appendfsync", **_of_primaries(client)))
    except ResponseError:
        return set()
    return {str(answer.get("appendfsync", "unknown")) for answer in answers}


async def _infos(client: Redis, section: str) -> list[dict[str, Any]]:
    """What the server says about itself, or each primary of a cluster."""
    return _each(client, await client.info(section, **_of_primaries(client)))


def _of_primaries(client: Redis) -> dict[str, Any]:
    from redis.asyncio import RedisCluster

    return {"target_nodes": RedisCluster.PRIMARIES} if isinstance(client, RedisCluster) else {}


def _each(client: Redis, answer: Any) -> list[dict[str, Any]]:
    return list(answer.values()) if _of_primaries(client) else [answer]

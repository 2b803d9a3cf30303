"""What may ask for a person: whether MAF trades, what waits, what was given up or refused, which streams suffer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from maf_core.channels import streams_health
from maf_core.errors import MAFError
from maf_core.heartbeats import config_troubles
from maf_core.outbox.pending import pending
from maf_core.outbox.trading import read_trading
from maf_core.plane.refusals import recent_refusals
from maf_core.streams.consume import SERVER_AWAY
from maf_core.streams.dead import newest
from maf_core.streams.names import DEAD
from maf_core.streams.redrive import follow

if TYPE_CHECKING:
    from maf_core.context import AppContext

Facts = dict[str, Any]

PATIENCE_SECONDS = 3.0
AWAY = (*SERVER_AWAY, TimeoutError, OSError)
_LETTERS_LOOKED_AT = 100
_SHOWN = 5


async def look_closer(context: AppContext) -> Facts:
    """`trading`, `waiting`, `dead_letters`, `refusals` and `streams`, those that have problems.

    A part that cannot be read is an object with `fault`, and hides no other.
    """
    redis = context.redis
    return {
        "trading": await _read(_trading(redis)),
        "waiting": await _read(_waiting(redis)),
        "dead_letters": await _read(_dead_letters(redis)),
        "refusals": await _read(recent_refusals(redis, _SHOWN)),
        "streams": await _read(_suffering(context)),
    }


def attention(facts: Facts) -> Iterator[str]:
    """A sentence for each fact of the status that a person should look at."""
    if facts["redis"]["status"] != "ok":
        yield f"Redis does not answer: {facts['redis']['reason']}"
        return
    yield from _faults(facts)
    trading, dead = facts["trading"], facts["dead_letters"]
    if trading.get("state") not in (None, "ACTIVE"):
        yield f"Trading is {trading['state']} since {trading['since']} by {trading['who']}: {trading['why']}"
    if not facts["services"]:
        yield "No service runs. Start one: maf service run"
    for service in facts["services"]:
        yield from config_troubles(service)
    if facts["waiting"].get("count"):
        yield f"{facts['waiting']['count']} actions wait for approval, until {facts['waiting']['next_expires_at']}"
    if dead.get("open"):
        yield f"{dead['open']} dead letters were not re-driven; the last: {dead['newest'][0]['reason']}"
    if isinstance(facts["streams"], list):
        yield from (f"{row['stream']}: {problem}" for row in facts["streams"] for problem in row["problems"])


def _faults(facts: Facts) -> Iterator[str]:
    for name, part in facts.items():
        if isinstance(part, dict) and part.get("fault"):
            yield f"{name} cannot be read: {part['fault']}"


async def _read(part: Awaitable[Any]) -> Any:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await part
    except (ResponseError, MAFError, *AWAY) as error:
        return {"fault": str(error) or "no answer in time"}


async def _trading(redis: Redis) -> Facts:
    return (await read_trading(redis)).model_dump(mode="json")


async def _waiting(redis: Redis) -> Facts:
    waits = await pending(redis)
    expires = waits[0].expires_at if waits else None
    return {"count": len(waits), "next_expires_at": expires and expires.isoformat()}


async def _dead_letters(redis: Redis) -> Facts:
    """How many there are, and how many of the newest `looked_at` nobody has re-driven."""
    found = await follow(redis, await newest(redis, _LETTERS_LOOKED_AT))
    open_ones = [one.letter for one in found if one.fate in ("dead", "unreadable")]
    shown = [
        {
            "id": letter.id,
            "died_at": letter.died_at.isoformat(),
            "stream": letter.stream,
            "group": letter.group,
            "reason": letter.fault or letter.reason,
        }
        for letter in open_ones[:_SHOWN]
    ]
    return {"count": await redis.xlen(DEAD), "looked_at": len(found), "open": len(open_ones), "newest": shown}


async def _suffering(context: AppContext) -> list[Facts]:
    """The streams that have problems."""
    found = await streams_health(context.redis, context.settings)
    return [health.as_json() for health in found if any(health.problems())]

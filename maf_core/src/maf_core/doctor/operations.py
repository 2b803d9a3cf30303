"""What goes on: services, whether MAF trades, what was given up, and who lags behind."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from maf_core.doctor.findings import Finding

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from maf_core.channels import StreamHealth
    from maf_core.settings import Settings

_LETTERS_LOOKED_AT = 100
_LOOK_AGAIN_SECONDS = 1.0
# Fewer come and go with every burst.
_MANY = 100
_SHOWN = 3


async def services(redis: Redis, _: Settings) -> list[Finding]:
    """Some run, and none goes on with an old configuration because the new one is wrong."""
    from maf_core import heartbeats

    found = await heartbeats.services(redis)
    troubles = [trouble for service in found for trouble in heartbeats.config_troubles(service)]
    if troubles:
        return [
            Finding("services", False, "; ".join(troubles), "Mend what it names; files are read again by themselves.")
        ]
    running = ", ".join(service["name"] for service in found)
    return [Finding("services", bool(found), running or "none is running", "Run: maf service run")]


async def trading(redis: Redis, _: Settings) -> list[Finding]:
    """Whether MAF trades."""
    from maf_core.outbox.trading import read_trading

    found = await read_trading(redis)
    return [Finding("trading", found.state == "ACTIVE", str(found), "When the reason is gone: maf resume --why …")]


async def dead_letters(redis: Redis, _: Settings) -> list[Finding]:
    """What was given up and nobody has looked after."""
    from maf_core.streams.dead import newest
    from maf_core.streams.redrive import follow

    found = await follow(redis, await newest(redis, _LETTERS_LOOKED_AT))
    left = [one.letter for one in found if one.fate in ("dead", "unreadable")]
    if not left:
        return [Finding("dead letters", True, "none that was not re-driven")]
    last = left[0].fault or f"{left[0].group} on {left[0].stream}: {left[0].reason}"
    detail = f"{len(left)} of the newest {len(found)} were not re-driven; the last: {last}"
    fix = "Look: maf channels dead list. When the reason is gone: maf channels dead redrive --all"
    return [Finding("dead letters", False, detail, fix)]


async def streams(redis: Redis, settings: Settings) -> list[Finding]:
    """Streams within their limits, groups that somebody consumes for, and no lag that grows."""
    from maf_core.channels import streams_health

    found = await streams_health(redis, settings)
    wrong = [f"{one.standing.stream}: {problem}" for one in found for problem in one.problems()]
    if any(_lags(found).values()):
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        wrong += _growing(_lags(found), _lags(await streams_health(redis, settings)))
    detail = "; ".join(wrong[:_SHOWN]) + (f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else "")
    fix = "See all: maf channels list --groups. More services share the work: maf service run"
    return [Finding("streams", not wrong, detail or f"{len(found)} are within their limits and read", fix)]


def _lags(found: list[StreamHealth]) -> dict[tuple[str, str], int]:
    """The groups that are far behind."""
    standings = [one.standing for one in found]
    lags = {(one.stream, group.group): group.lag or 0 for one in standings for group in one.groups}
    return {which: lag for which, lag in lags.items() if lag >= _MANY}


def _growing(before: dict[tuple[str, str], int], now: dict[tuple[str, str], int]) -> list[str]:
    return [
        f"{stream}: the lag of {group} grows, from {before[stream, group]} to {lag} within a second"
        for (stream, group), lag in now.items()
        if lag > before.get((stream, group), lag)
    ]

"""How long channels are, how old their newest entry is, and how far their consumer groups have come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis

from maf_core.channels.catalogue import Channel
from maf_core.streams.ids import written_at
from maf_core.streams.standing import GroupStanding, Standing, standings


@dataclass(frozen=True, slots=True)
class Measured:
    """A channel as it stands on the server.

    `last_id` and `age_s` (seconds since the newest entry was written) are None without an entry. `fault`: why it could
    not be measured.
    """

    channel: Channel
    length: int = 0
    last_id: str | None = None
    age_s: float | None = None
    groups: tuple[GroupStanding, ...] = ()
    fault: str = ""

    def as_json(self) -> dict[str, Any]:
        """All of it as plain data; the channel's own facts beside what was measured."""
        facts = asdict(self)
        return {**facts.pop("channel"), **facts}


async def measure(redis: Redis, channels: Iterable[Channel]) -> list[Measured]:
    """Where each channel stands. Two round trips, whatever their number."""
    channels = list(channels)
    found = await standings(redis, [channel.stream for channel in channels])
    now = datetime.now(UTC)
    return [_measured(channel, one, now) for channel, one in zip(channels, found, strict=True)]


def _measured(channel: Channel, one: Standing, now: datetime) -> Measured:
    age_s = None if one.last_id is None else round(max(0.0, (now - written_at(one.last_id)).total_seconds()), 3)
    return Measured(channel, one.length, one.last_id, age_s, one.groups, one.fault)

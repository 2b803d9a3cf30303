"""What is wrong with the streams that services keep bounded, and with their groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from redis.asyncio import Redis

from maf_core.settings import Settings
from maf_core.streams.bounds import bounded, dropped
from maf_core.streams.standing import GroupStanding, Standing, standings

# Trimming cuts whole blocks, now and then: so much more than its limit is no fault of a stream.
_SLACK = 1.1
_BLOCK = 100


@dataclass(frozen=True, slots=True)
class StreamHealth:
    """Where a stream stands beside its limit `maxlen`. `dropped`: how many unread entries each group has lost."""

    standing: Standing
    maxlen: int
    dropped: Mapping[str, int]

    @property
    def over_limit(self) -> bool:
        """Longer than it should be: some group has not acknowledged what would have to go."""
        return self.standing.length > self.maxlen * _SLACK + _BLOCK

    @property
    def unattended(self) -> list[GroupStanding]:
        """The groups that have something to do and nobody who does it."""
        busy = [group for group in self.standing.groups if group.lag != 0 or group.pending]
        return [group for group in busy if not group.attended]

    def problems(self) -> Iterator[str]:
        """What is wrong, a sentence each."""
        if self.standing.fault:
            yield self.standing.fault
        if self.over_limit:
            yield f"{self.standing.length} entries, {self.maxlen} are kept: a group holds it up, or no service trims"
        for group in self.unattended:
            lag = "an unknown number of" if group.lag is None else group.lag
            yield f"nobody consumes for {group.group}: {lag} entries undelivered, {group.pending} unacknowledged"
        for name, count in sorted(self.dropped.items()):
            yield f"{name} lost {count} entries that it had not acknowledged"

    def as_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        facts = asdict(self.standing)
        for group, row in zip(self.standing.groups, facts["groups"], strict=True):
            row["attended"] = group.attended
        more = {"maxlen": self.maxlen, "over_limit": self.over_limit, "dropped": dict(self.dropped)}
        return {**facts, **more, "problems": list(self.problems())}


async def streams_health(redis: Redis, settings: Settings) -> list[StreamHealth]:
    """Every stream that services trim, by name; a few round trips, whatever their number."""
    names = sorted({*await bounded(redis), *settings.stream_maxlens})
    lost = await dropped(redis, names)
    return [
        StreamHealth(found, settings.maxlen_of(found.stream), lost.get(found.stream, {}))
        for found in await standings(redis, names)
    ]

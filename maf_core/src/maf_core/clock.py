"""The clock everything asks for the time: wall time, or the time of the data being replayed.

Time travels with the data. What sets a run off carries the moment at which it was known (`as_of`), and the run sees
nothing later. The shared clock below only answers where nothing carries a time, such as a run started by hand.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from pydantic_core import from_json, to_json
from redis.asyncio import Redis

from maf_core.errors import BadEntryError
from maf_core.streams.names import CLOCK

# A replay renews its hold on the clock; if it dies, wall time returns by itself.
HOLD_SECONDS = 60
# Nine digits and more: eight are a date, 20240102.
_UNIX = re.compile(r"\d{9,}(\.\d+)?", re.ASCII)


def parse_time(value: Any) -> datetime:
    """An aware UTC datetime from ISO-8601 text, a datetime, or Unix seconds or milliseconds.

    Text without an offset is taken as UTC. Raises `BadEntryError` for anything else.
    """
    try:
        if isinstance(value, datetime):
            moment = value
        elif isinstance(value, str) and not _UNIX.fullmatch(value.strip()):
            moment = datetime.fromisoformat(value.strip())
        else:
            moment = _from_unix(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise BadEntryError(f"{repr(value)[:40]} is no timestamp; use ISO-8601 with an offset") from error


def _from_unix(value: Any) -> datetime:
    if isinstance(value, bool | bytes):
        raise TypeError("no number")
    seconds = float(value)
    return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)


class ServiceClock:
    """What time it is for the whole service: the replay's time while one holds the clock, else wall time."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def now(self) -> datetime:
        """The current time, UTC. One round trip."""
        held = await self._redis.get(CLOCK)
        return parse_time(from_json(held)["now"]) if held else datetime.now(UTC)

    async def hold(self, now: datetime, **progress: Any) -> None:
        """Set the replayed time. `progress` is shown to whoever watches."""
        value = to_json({"now": now.isoformat(), **progress})
        await self._redis.set(CLOCK, value, ex=HOLD_SECONDS)

    async def release(self) -> None:
        """Give the time back to the wall."""
        await self._redis.delete(CLOCK)

"""Dead letters: entries that will never be handled, with their origin and the reason, on `maf:dead`."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import structlog
from redis.asyncio import Redis

from maf_core.streams.codec import size
from maf_core.streams.group import Delivery
from maf_core.streams.names import DEAD
from maf_core.streams.publish import publish_once
from maf_core.streams.raw import RawFields, text
from maf_core.streams.redrive import times_redriven

log = structlog.get_logger(__name__)

# What is kept of an entry that was refused for its size.
_GLIMPSE = 1024


async def bury(redis: Redis, group: str, delivery: Delivery, reason: str, max_bytes: int | None = None) -> None:
    """Write the letter, once for each time the entry was given back to the group.

    Of an entry larger than `max_bytes` only the beginning is kept.
    """
    log.warning("entry_dead", stream=delivery.stream, entry=delivery.id, group=group, reason=reason)
    letter = {
        "stream": delivery.stream,
        "entry_id": delivery.id,
        "group": group,
        "reason": reason,
        "deliveries": delivery.times,
        "died_at": datetime.now(UTC).isoformat(),
        **kept(delivery.fields or {}, max_bytes),
    }
    lives = await times_redriven(redis, delivery.stream, delivery.id, group)
    await publish_once(redis, DEAD, f"{delivery.stream}:{delivery.id}:{group}:{lives}", letter)


def kept(fields: RawFields, max_bytes: int | None = None) -> dict[str, Any]:
    """An entry's fields as a letter holds them: text where they are text, else base64, names and values both."""
    if max_bytes is not None and size(fields) > max_bytes:
        return {"fields": _glimpse(fields), "encoding": "utf-8", "cut": True}
    try:
        return {"fields": {name.decode(): value.decode() for name, value in fields.items()}, "encoding": "utf-8"}
    except UnicodeDecodeError:
        raw = {b64encode(name).decode(): b64encode(value).decode() for name, value in fields.items()}
        return {"fields": raw, "encoding": "base64"}


def _glimpse(fields: RawFields) -> dict[str, str]:
    """The first kilobyte, as text."""
    glimpse: dict[str, str] = {}
    room = _GLIMPSE
    for name, value in fields.items():
        start, rest = name[:room], value[: max(0, room - len(name))]
        glimpse[text(start)] = text(rest)
        room -= len(start) + len(rest)
        if not room:
            break
    return glimpse

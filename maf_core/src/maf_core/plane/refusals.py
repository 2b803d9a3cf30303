"""What was refused where it came in, for whoever wants to see it: a short stream next to the answers."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis

from maf_core.errors import BadEntryError
from maf_core.streams import codec
from maf_core.streams.names import CONTROL_OUT, beside
from maf_core.streams.publish import MARKER_SECONDS
from maf_core.streams.raw import entries

# In the cluster slot of the answers, so that one script can write both.
REFUSED = beside(CONTROL_OUT, "refused")
KEPT = 1000

_NOTE = """
if not redis.call('SET', KEYS[1], '1', 'NX', 'EX', ARGV[1]) then return 0 end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', ARGV[3], ARGV[4])
return 1
"""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was refused and why. `entry_id`: on `maf:control:in`; empty for what came another way, as a file does.

    `source`: who sent it, or the folder of a configuration. `ts`: ISO-8601, UTC.
    """

    reason: str
    command_id: str = ""
    entry_id: str = ""
    arena: str = ""
    source: str = ""
    ts: str = field(default_factory=lambda: datetime.now(UTC).isoformat())

    def encoded(self) -> bytes:
        """As JSON, for the stream."""
        return codec.encode(asdict(self))[codec.FIELD]


async def note(redis: Redis, key: str, refusal: Refusal) -> bool:
    """Add a refusal that nobody waits to be told of, once for its key; False when it was there."""
    marker = beside(CONTROL_OUT, "refused", key)
    args: list[Any] = [MARKER_SECONDS, KEPT, codec.FIELD, refusal.encoded()]
    return bool(await redis.register_script(_NOTE)(keys=[marker, REFUSED], args=args))


async def recent_refusals(redis: Redis, most: int = 50) -> list[dict[str, Any]]:
    """The last refusals as objects with the fields of `Refusal`, all texts, the newest first.

    The server keeps about a thousand.
    """
    return [_read(fields) for _, fields in entries(await redis.xrevrange(REFUSED, count=most))]


def _read(fields: Any) -> dict[str, Any]:
    try:
        found = codec.decode(fields)
    except BadEntryError as error:  # others can write to the stream too
        found = {"reason": str(error)}
    return {name: str(found.get(name) or "") for name in ("ts", "command_id", "entry_id", "arena", "source", "reason")}

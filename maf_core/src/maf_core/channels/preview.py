"""The newest entries of a stream, decoded as far as they can be. Whatever lies there, looking at it does not fail."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from maf_core.errors import BadEntryError
from maf_core.streams import codec
from maf_core.streams.ids import written_at
from maf_core.streams.raw import RawFields, entries


@dataclass(frozen=True, slots=True)
class Previewed:
    """One entry: its `payload`; or, for one that cannot be decoded, why (`fault`) and its `fields` as text."""

    id: str
    written_at: datetime
    payload: dict[str, Any] | None = None
    fault: str = ""
    fields: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """The newest entries of a stream, the newest first. `fault`: why it cannot be read."""

    stream: str
    entries: tuple[Previewed, ...] = ()
    fault: str = ""

    @property
    def payloads(self) -> list[dict[str, Any]]:
        """What could be decoded."""
        return [entry.payload for entry in self.entries if entry.payload is not None]

    def as_json(self, most: int = 500) -> dict[str, Any]:
        """All of it as plain data, with long values shortened as `shortened` does."""
        facts: dict[str, Any] = shortened(asdict(self), most)
        return facts


async def preview_stream(redis: Redis, stream: str, count: int = 10) -> Preview:
    """The newest `count` entries; of one with a field `data`, what that holds, else its fields."""
    try:
        found = entries(await redis.xrevrange(stream, count=count))
    except ResponseError as error:
        return Preview(stream, fault=f"{stream} cannot be read as a stream: {error}")
    return Preview(stream, tuple(_previewed(entry_id, raw) for entry_id, raw in found))


def shortened(value: Any, most: int) -> Any:
    """The same data with text cut at `most` characters and lists and objects at as many items; what is cut says so."""
    if isinstance(value, str):
        return value if len(value) <= most else f"{value[:most]}… ({len(value)} characters)"
    if isinstance(value, dict):
        kept = {shortened(key, most): shortened(each, most) for key, each in list(value.items())[:most]}
        return kept if len(value) <= most else {**kept, "…": f"{len(value) - most} more keys"}
    if isinstance(value, list | tuple):
        items = [shortened(each, most) for each in value[:most]]
        return items if len(value) <= most else [*items, f"… {len(value) - most} more"]
    return value


def _previewed(entry_id: str, raw: RawFields) -> Previewed:
    at = written_at(entry_id)
    try:
        return Previewed(entry_id, at, codec.decode(raw))
    except BadEntryError as error:
        return Previewed(
            entry_id, at, fault=str(error), fields={_seen(name): _seen(each) for name, each in raw.items()}
        )


def _seen(raw: bytes) -> str:
    return raw.decode(errors="backslashreplace")

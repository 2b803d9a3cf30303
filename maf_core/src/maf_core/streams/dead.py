"""Read dead letters: what consumers gave up, which group did, and why."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, ValidationError
from redis.asyncio import Redis

from maf_core.errors import BadEntryError, UnknownNameError
from maf_core.streams import codec
from maf_core.streams.ids import is_id, written_at
from maf_core.streams.names import DEAD
from maf_core.streams.raw import RawFields, entries

_PAGE = 500


def _whole_id(value: str) -> str:
    if not is_id(value):
        raise ValueError("this is no entry id")
    return value


class _Written(BaseModel):
    """A letter as consumers write it. In those without `encoding`, bytes that are no text were lost."""

    stream: Annotated[str, Field(min_length=1)]
    entry_id: Annotated[str, AfterValidator(_whole_id)]
    group: str
    reason: str = ""
    deliveries: int | None = None
    died_at: AwareDatetime | None = None
    fields: dict[str, str] = Field(default_factory=dict)
    encoding: Literal["utf-8", "base64"] = "utf-8"
    cut: bool = False

    def raw_fields(self) -> RawFields:
        """The entry's own bytes. Raises `ValueError` when they are not what `encoding` says."""
        return {self._raw(name): self._raw(value) for name, value in self.fields.items()}

    def _raw(self, value: str) -> bytes:
        return b64decode(value, validate=True) if self.encoding == "base64" else value.encode()


@dataclass(frozen=True, slots=True)
class Letter:
    """An entry that `group` gave up; `fields` are its bytes, or the first of them when it was `cut` for its size.

    `fault`: why the letter itself cannot be read. Then only `id` and `died_at` say anything.
    """

    id: str
    died_at: datetime
    stream: str = ""
    entry_id: str = ""
    group: str = ""
    reason: str = ""
    deliveries: int | None = None
    fields: RawFields = field(default_factory=dict, repr=False)
    cut: bool = False
    fault: str = ""

    @property
    def about(self) -> tuple[str, str, str]:
        """What was given up by whom: stream, entry, group."""
        return self.stream, self.entry_id, self.group


async def letters(
    redis: Redis, stream: str | None = None, group: str | None = None, *, oldest_first: bool = False
) -> AsyncIterator[Letter]:
    """The letters that are there now, from the newest to the oldest: all, or only those of this stream and group."""
    last = entries(await redis.xrevrange(DEAD, count=1))
    low, high = "-", last[0][0] if last else "-"
    while page := await _page(redis, low, high, oldest_first=oldest_first):
        for letter in page:
            if stream in (None, letter.stream) and group in (None, letter.group):
                yield letter
        beyond = f"({page[-1].id}"
        low, high = (beyond, high) if oldest_first else (low, beyond)


async def newest(redis: Redis, most: int, stream: str | None = None, group: str | None = None) -> list[Letter]:
    """At most `most` letters, the newest first."""
    found: list[Letter] = []
    async for letter in letters(redis, stream, group):
        found.append(letter)
        if len(found) >= most:
            break
    return found


async def find(redis: Redis, letter_id: str) -> Letter:
    """The letter with this id. Raises `UnknownNameError`."""
    found = entries(await redis.xrange(DEAD, letter_id, letter_id)) if is_id(letter_id) else []
    if not found:
        raise UnknownNameError(f"There is no dead letter {letter_id!r}. See them: maf channels dead list")
    return _letter(*found[0])


async def _page(redis: Redis, low: str, high: str, *, oldest_first: bool) -> list[Letter]:
    if oldest_first:
        found = await redis.xrange(DEAD, low, high, count=_PAGE)
    else:
        found = await redis.xrevrange(DEAD, high, low, count=_PAGE)
    return [_letter(letter_id, raw) for letter_id, raw in entries(found)]


def _letter(letter_id: str, raw: RawFields) -> Letter:
    at = written_at(letter_id)
    try:
        written = _Written.model_validate(codec.decode(raw))
        fields = written.raw_fields()
    except ValidationError as error:
        wrong = ", ".join(".".join(map(str, item["loc"])) for item in error.errors())
        return Letter(letter_id, at, fault=f"the letter cannot be read: {wrong} is not as it should be")
    except (BadEntryError, ValueError) as error:
        return Letter(letter_id, at, fault=f"the letter cannot be read: {error}")
    return Letter(
        letter_id,
        written.died_at or at,
        written.stream,
        written.entry_id,
        written.group,
        written.reason,
        written.deliveries,
        fields,
        written.cut,
    )

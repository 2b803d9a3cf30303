"""Give a dead letter's entry back to the group that gave it up, and to no other; tell what became of it.

The entry keeps its id, so that whatever was published because of it is not published again. Claiming it and noting
that the letter was re-driven are one step on the server, in the slot of the entry's stream: repeated, or cut short at
any moment, it happens once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from redis.asyncio import Redis

from maf_core.streams.dead import Letter
from maf_core.streams.ids import order
from maf_core.streams.names import beside
from maf_core.streams.raw import text

Fate = Literal["dead", "pending", "acknowledged", "dead again", "added anew", "unreadable"]
Answer = Literal["redriven", "already", "pending", "undelivered", "gone", "lost", "no_group", "unreadable"]

# Holds an entry between the redrive and the moment when a consumer takes it over.
REDRIVEN = "maf:redriven"
# Longer than any lease: whoever looks for abandoned entries takes it at once.
_OVERDUE_MS = 86_400_000
# Letters go by the length of their stream and not by age; after this long nobody redrives one twice by mistake.
_REMEMBERED_SECONDS = 365 * 86_400

# KEYS: the stream; the letters about this entry and group that were re-driven. ARGV: letter, group, entry, now, the
# holder, its idle time, how long to remember, whether to add the entry anew when it is gone, then its fields.
_REDRIVE = """
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then return {'already', ''} end
local groups, delivered = redis.pcall('XINFO', 'GROUPS', KEYS[1]), nil
if not groups.err then
  for _, found in ipairs(groups) do
    local group = {}
    for i = 1, #found, 2 do group[found[i]] = found[i + 1] end
    if group['name'] == ARGV[2] then delivered = group['last-delivered-id'] end
  end
end
if not delivered then return {'no_group', ''} end
local added = ''
if #redis.call('XRANGE', KEYS[1], ARGV[3], ARGV[3]) == 1 then
  if #redis.call('XPENDING', KEYS[1], ARGV[2], ARGV[3], ARGV[3], 1) == 1 then return {'pending', ''} end
  if #redis.call('XRANGE', KEYS[1], '(' .. delivered, ARGV[3], 'COUNT', 1) == 1 then return {'undelivered', ''} end
  redis.call('XCLAIM', KEYS[1], ARGV[2], ARGV[5], 0, ARGV[3], 'IDLE', ARGV[6], 'RETRYCOUNT', 0, 'FORCE', 'JUSTID')
elseif ARGV[8] == '1' then
  added = redis.call('XADD', KEYS[1], '*', unpack(ARGV, 9))
else
  return {'gone', ''}
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[4] .. ' ' .. added)
redis.call('EXPIRE', KEYS[2], ARGV[7])
return {'redriven', added}
"""


@dataclass(frozen=True, slots=True)
class Redrive:
    """What came of re-driving a letter; `added_as` is the new entry's id where the old one was gone.

    `gone`: the entry has left its stream; `lost`: and the letter does not hold all of it.
    """

    letter: Letter
    answer: Answer
    added_as: str = ""


@dataclass(frozen=True, slots=True)
class Followed:
    """A letter and what became of it. `redriven_at` is None for one that nobody has re-driven."""

    letter: Letter
    fate: Fate
    redriven_at: datetime | None = None
    added_as: str = ""


async def redrive(redis: Redis, letter: Letter, *, as_new: bool = False) -> Redrive:
    """Give the entry back to its group, once for each letter.

    `as_new`: an entry that has left its stream is added to it again, for all groups. Atomic, one round trip.
    """
    if letter.fault:
        return Redrive(letter, "unreadable")
    keys = [letter.stream, _key(letter)]
    now = datetime.now(UTC).isoformat()
    args: list[str | int | bytes] = [letter.id, letter.group, letter.entry_id, now, REDRIVEN, _OVERDUE_MS]
    whole = bool(letter.fields) and not letter.cut
    args += [_REMEMBERED_SECONDS, int(as_new and whole), *(part for pair in letter.fields.items() for part in pair)]
    found, added = await redis.register_script(_REDRIVE)(keys=keys, args=args)
    answer: Any = text(found) if whole or found != b"gone" else "lost"
    return Redrive(letter, answer, text(added))


async def times_redriven(redis: Redis, stream: str, entry_id: str, group: str) -> int:
    """How often this entry was given back to the group; its next death is a new one."""
    return int(await redis.hlen(beside(stream, "redriven", group, entry_id)))


async def follow(redis: Redis, found: Sequence[Letter], later: Iterable[Letter] = ()) -> list[Followed]:
    """What became of these letters, in two round trips. `later`: others in which an entry may have died again."""
    marks = await _marks(redis, [letter for letter in found if not letter.fault])
    pending = await _pending(redis, [letter for letter in found if letter.id in marks])
    last = _last_of_each([*found, *later])
    return [_followed(letter, marks.get(letter.id), pending, last) for letter in found]


def _key(letter: Letter) -> str:
    return beside(letter.stream, "redriven", letter.group, letter.entry_id)


async def _marks(redis: Redis, found: list[Letter]) -> dict[str, str]:
    """When each of these was re-driven, for those that were."""
    pipeline = redis.pipeline(transaction=False)
    for letter in found:
        pipeline.hget(_key(letter), letter.id)
    marks = await pipeline.execute(raise_on_error=False) if found else []
    return {letter.id: text(mark) for letter, mark in zip(found, marks, strict=True) if isinstance(mark, bytes)}


async def _pending(redis: Redis, found: list[Letter]) -> set[str]:
    """Those whose entry waits for its group to acknowledge it."""
    pipeline = redis.pipeline(transaction=False)
    for letter in found:
        pipeline.xpending_range(letter.stream, letter.group, letter.entry_id, letter.entry_id, 1)
    rows = await pipeline.execute(raise_on_error=False) if found else []
    return {letter.id for letter, held in zip(found, rows, strict=True) if isinstance(held, list) and held}


def _last_of_each(found: Iterable[Letter]) -> dict[tuple[str, str, str], str]:
    """The last letter about each entry and group."""
    last: dict[tuple[str, str, str], str] = {}
    for letter in found:
        last[letter.about] = max(last.get(letter.about, "0-0"), letter.id, key=order)
    return last


def _followed(letter: Letter, mark: str | None, pending: set[str], last: dict[tuple[str, str, str], str]) -> Followed:
    if mark is None:
        return Followed(letter, "unreadable" if letter.fault else "dead")
    at, _, added_as = mark.partition(" ")
    fate: Fate = "acknowledged"
    if added_as:
        fate = "added anew"
    elif last[letter.about] != letter.id:
        fate = "dead again"
    elif letter.id in pending:
        fate = "pending"
    return Followed(letter, fate, datetime.fromisoformat(at), added_as)

"""Which streams are kept bounded; cut one that has grown far too long, and count what its groups lose by it."""

from __future__ import annotations

from collections.abc import Iterable

from redis.asyncio import Redis

from maf_core.streams.names import GROUPS, STREAMS, beside
from maf_core.streams.raw import text

# The cut and its count are one step: nothing goes without being counted. KEYS: the stream, the counts by group.
# ARGV: how many entries to keep. Where the server has lost count of a group's entries, all that went are counted. It
# would go on counting as unread what is gone, if the group's counter were not set to what is left.
_DROP = """
local function before(a, b)
  local a_ms, a_seq = a:match('(%d+)-(%d+)')
  local b_ms, b_seq = b:match('(%d+)-(%d+)')
  if a_ms ~= b_ms then return tonumber(a_ms) < tonumber(b_ms) end
  return tonumber(a_seq) < tonumber(b_seq)
end
local function named(pairs)
  local found = {}
  for i = 1, #pairs, 2 do found[pairs[i]] = pairs[i + 1] end
  return found
end
local function first() return redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1][1] end
local length, oldest, groups = redis.call('XLEN', KEYS[1]), first(), redis.call('XINFO', 'GROUPS', KEYS[1])
local gone, lost = redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', ARGV[1]), {}
if gone == 0 then return {0} end
local kept, left = first(), length - gone
local added = named(redis.call('XINFO', 'STREAM', KEYS[1]))['entries-added']
for _, found in ipairs(groups) do
  local group = named(found)
  local name, delivered, unread = group['name'], group['last-delivered-id'], group['lag']
  local count = #redis.call('XPENDING', KEYS[1], name, oldest, '(' .. kept, length)
  if before(delivered, kept) then
    if before(delivered, oldest) or not unread then unread = length end
    count = count + math.max(0, math.min(gone, unread - left))
    redis.call('XGROUP', 'SETID', KEYS[1], name, delivered, 'ENTRIESREAD', added - left)
  end
  if count > 0 then
    redis.call('HINCRBY', KEYS[2], name, count)
    lost[#lost + 1] = name
    lost[#lost + 1] = count
  end
end
return {gone, unpack(lost)}
"""


async def groups_read(redis: Redis) -> list[tuple[str, str]]:
    """Every stream that MAF reads through a group, with the group."""
    members = [text(member).partition("\n") for member in await redis.smembers(GROUPS)]
    return sorted((stream, group) for stream, _, group in members)


async def bounded(redis: Redis) -> set[str]:
    """The streams that services trim: those that MAF reads through groups or writes."""
    written = {text(member) for member in await redis.smembers(STREAMS)}
    return written | {stream for stream, _ in await groups_read(redis)}


async def drop(redis: Redis, stream: str, maxlen: int) -> tuple[int, dict[str, int]]:
    """Shorten the stream to about `maxlen` entries, read or not.

    Returns how many went, and how many of those each group had yet to acknowledge.
    """
    answer = await redis.register_script(_DROP)(keys=[stream, _key(stream)], args=[maxlen])
    return int(answer[0]), {text(group): int(count) for group, count in zip(answer[1::2], answer[2::2], strict=True)}


async def dropped(redis: Redis, streams: Iterable[str]) -> dict[str, dict[str, int]]:
    """How many entries each group has lost in all, by stream; only where some were. One round trip."""
    streams = list(streams)
    pipeline = redis.pipeline(transaction=False)
    for stream in streams:
        pipeline.hgetall(_key(stream))
    answers = await pipeline.execute(raise_on_error=False) if streams else []
    found = {stream: answer for stream, answer in zip(streams, answers, strict=True) if isinstance(answer, dict)}
    return {
        stream: {text(group): int(count) for group, count in lost.items()} for stream, lost in found.items() if lost
    }


def _key(stream: str) -> str:
    return beside(stream, "dropped")

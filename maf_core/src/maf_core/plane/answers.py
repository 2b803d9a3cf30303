"""Who has taken a command, and its answers on `maf:control:out`: one `accepted` at most, and one that ends it.

A command is known by its id, in the cluster slot of the answers. Claiming it and accepting it are one step on the
server, and so are noting that it is over and the answer that says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from redis.asyncio import Redis

from maf_core.plane.refusals import KEPT, REFUSED, Refusal
from maf_core.streams.codec import FIELD, encode
from maf_core.streams.names import CONTROL_OUT, beside
from maf_core.streams.publish import MARKER_SECONDS
from maf_core.streams.raw import text

AnswerStatus = Literal["accepted", "completed", "failed", "rejected"]

# KEYS: the claim, the answers. ARGV: entry, run, how long to remember, the field, the answer or nothing.
TAKE = """
local found = redis.call('HMGET', KEYS[1], 'entry', 'run', 'over')
if found[1] then return {found[1], found[2], found[3] or '', 0} end
redis.call('HSET', KEYS[1], 'entry', ARGV[1], 'run', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
if not found[3] and ARGV[5] ~= '' then redis.call('XADD', KEYS[2], '*', ARGV[4], ARGV[5]) end
return {ARGV[1], ARGV[2], found[3] or '', 1}
"""

# KEYS: the claim, the answers, the refusals. ARGV: the status, how long to remember, the field, the answer, the refusal
# or nothing, how many of those are kept, whether only a command is meant that nobody has taken.
_FINISH = """
if redis.call('HEXISTS', KEYS[1], 'over') == 1 then return 0 end
if ARGV[7] == '1' and redis.call('HEXISTS', KEYS[1], 'entry') == 1 then return 0 end
redis.call('HSET', KEYS[1], 'over', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('XADD', KEYS[2], '*', ARGV[3], ARGV[4])
if ARGV[5] ~= '' then redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[6], '*', ARGV[3], ARGV[5]) end
return 1
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """Which entry took a command first, and the run it gave (empty for other commands).

    `over`: the status of the answer that ended it, empty while it is in work. `fresh`: claimed just now.
    """

    entry_id: str
    run: str = ""
    over: str = ""
    fresh: bool = False


class Answers:
    """Claims commands and answers them; every answer goes out once, whoever tries how often."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._take = redis.register_script(TAKE)
        self._finish = redis.register_script(_FINISH)

    async def take(self, command_id: str, entry_id: str, run: str = "") -> Claim:
        """Claim a command for an entry, and accept it when it is to give a run. One round trip.

        The claim is another entry's when that one came first.
        """
        keys, args = taking(command_id, run)
        return claim_of(await self._take(keys, [entry_id, *args]))

    async def claim(self, command_id: str) -> Claim | None:
        """Who has taken a command; None when nobody has."""
        found = await self._redis.hmget(_claim(command_id), ["entry", "run", "over"])
        entry, gives, over = (text(one or "") for one in found)
        return Claim(entry, gives, over) if entry else None

    async def finish(self, command_id: str, status: AnswerStatus, arena_id: str = "", error: str | None = None) -> bool:
        """Give the answer that ends a command; False when it has one already."""
        answer = _answer(command_id, status, arena_id, error)
        return await self._end(_claim(command_id), status, answer)

    async def forestall(self, command_id: str, error: str) -> bool:
        """End a command that nobody has taken yet: it will not be carried out. False when somebody has."""
        answer = _answer(command_id, "failed", "", error)
        ended = await self._end(_claim(command_id), "failed", answer, untaken=True)
        return ended or await self.claim(command_id) is None

    async def refuse(self, refusal: Refusal, *, claimed: bool = False) -> bool:
        """Reject a command, and note the refusal. False when that was done before.

        `claimed`: the command has been taken by this entry. One that has not is refused for the entry: its id is still
        free for a better one.
        """
        ends = _claim(refusal.command_id) if claimed else beside(CONTROL_OUT, "refused", refusal.entry_id)
        answer = _answer(refusal.command_id, "rejected", "", refusal.reason)
        return await self._end(ends, "rejected", answer, refusal)

    async def release(self, command_id: str) -> None:
        """Let a command that died be taken again, for when its entry is re-driven."""
        await self._redis.delete(_claim(command_id))

    async def _end(
        self, ends: str, status: AnswerStatus, answer: bytes, refusal: Refusal | None = None, *, untaken: bool = False
    ) -> bool:
        noted = refusal.encoded() if refusal else b""
        args: list[Any] = [status, MARKER_SECONDS, FIELD, answer, noted, KEPT, int(untaken)]
        return bool(await self._finish(keys=[ends, CONTROL_OUT, REFUSED], args=args))


def taking(command_id: str, run: str) -> tuple[list[str], list[Any]]:
    """The keys of `TAKE`, and its arguments after the entry."""
    accepted = _answer(command_id, "accepted", run) if run else b""
    return [_claim(command_id), CONTROL_OUT], [run, MARKER_SECONDS, FIELD, accepted]


def claim_of(found: Sequence[Any]) -> Claim:
    """What `TAKE` has answered."""
    entry, gives, over, fresh = found
    return Claim(text(entry), text(gives), text(over), bool(fresh))


def _claim(command_id: str) -> str:
    return beside(CONTROL_OUT, "taken", command_id)


def _answer(command_id: str, status: AnswerStatus, arena_id: str = "", error: str | None = None) -> bytes:
    payload = {
        "command_id": command_id,
        "status": status,
        "arena_id": arena_id,
        "error": error,
        "ts": datetime.now(UTC).isoformat(),
    }
    return encode(payload)[FIELD]

"""The gate's books on the server, all in the cluster slot of the executions.

They are read in one step, and what is approved by them is published in one step that fails when they have changed in
between. So any number of gates can judge at once, and none lets through what another has just made too much.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Any

from pydantic import ValidationError
from redis.asyncio import Redis

from maf_core.errors import TradingStateError
from maf_core.outbox.book import Approval, Position, RiskBook
from maf_core.outbox.models import ExecutionEnvelope, TradingAction
from maf_core.outbox.pending import DEADLINES, PENDING, final_marker
from maf_core.outbox.trading import LOSSES, TRADING, parse_trading
from maf_core.streams.codec import FIELD, encode
from maf_core.streams.names import EXECUTIONS, beside
from maf_core.streams.publish import MARKER_SECONDS
from maf_core.streams.raw import text

# The consumer group of all workers that keep these books.
GROUP = "maf:risk"
POSITIONS = beside(EXECUTIONS, "positions")
RECENT = beside(EXECUTIONS, "recent")
REVISION = beside(EXECUTIONS, "revision")
_HOUR = 3600
_DAY = 86_400

# One final execution for one action. What is approved goes out only by the books it was judged by (ARGV[5], ARGV[6]),
# and is entered in them in the same step.
_PUBLISH = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 'late' end
local approved = ARGV[4] == '1'
if approved and ((redis.call('GET', KEYS[3]) or '') ~= ARGV[5] or (redis.call('GET', KEYS[4]) or '') ~= ARGV[6]) then
  return 'changed'
end
redis.call('SET', KEYS[1], redis.call('XADD', KEYS[2], '*', ARGV[1], ARGV[2]), 'EX', ARGV[3])
redis.call('HDEL', KEYS[5], ARGV[7])
redis.call('ZREM', KEYS[6], ARGV[7])
if approved and ARGV[8] ~= '' then
  redis.call('INCR', KEYS[4])
  redis.call('SET', KEYS[9], ARGV[7], 'EX', ARGV[3])
  redis.call('ZADD', KEYS[8], ARGV[8], ARGV[7])
  redis.call('ZREMRANGEBYSCORE', KEYS[8], '-inf', ARGV[9])
  if ARGV[10] ~= '' then redis.call('HSET', KEYS[7], ARGV[7], ARGV[10]) end
end
return 'done'
"""
# What ended, and what it earned.
_END = """
local changed = redis.call('HDEL', KEYS[1], unpack(ARGV, 4))
if ARGV[1] ~= '' then
  changed = changed + redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[3])
end
if changed > 0 then redis.call('INCR', KEYS[3]) end
return changed
"""


class Sent(Enum):
    """What became of an execution: published; the books have changed, judge again; the action has its final one."""

    DONE = "done"
    CHANGED = "changed"
    LATE = "late"


class Ledger:
    """Open positions, recent actions, realised profit and loss, and who has traded what."""

    def __init__(self, redis: Redis, loss_window_h: float) -> None:
        self._redis = redis
        self._window_s = loss_window_h * _HOUR
        self._publish = redis.register_script(_PUBLISH)
        self._end = redis.register_script(_END)

    async def read(self, action: TradingAction, approval: Approval | None = None) -> RiskBook | None:
        """The books for this action, in one round trip; None when nothing is left to judge.

        That is when it has its final execution, or waits and this is no approval. Books of which a part cannot be read
        have a `fault`.
        """
        try:
            return await self._read(action, approval)
        except TradingStateError as error:
            return RiskBook.unreadable(str(error))

    async def _read(self, action: TradingAction, approval: Approval | None) -> RiskBook | None:
        final, waits, trading, revision, positions, recent, losses, traded_by = _readable(await self._ask(action))
        if final or (waits and approval is None):
            return None
        return RiskBook(
            trading=parse_trading(trading),
            positions=tuple(map(_position, positions)),
            recent=recent,
            realised=_sum(losses),
            traded_by=text(traded_by) if traded_by else None,
            approval=approval,
            mark=(trading or b"", revision or b""),
        )

    async def _ask(self, action: TradingAction) -> list[Any]:
        moment = action.as_of.timestamp()
        pipeline = self._redis.pipeline(transaction=True)
        pipeline.exists(final_marker(action.arena_id))
        pipeline.hexists(PENDING, action.arena_id)
        pipeline.get(TRADING)
        pipeline.get(REVISION)
        pipeline.hvals(POSITIONS)
        pipeline.zcount(RECENT, f"({moment - _HOUR}", f"({moment + _HOUR}")
        pipeline.zrangebyscore(LOSSES, f"({moment - self._window_s}", "+inf")
        pipeline.get(_claim(action))
        return list(await pipeline.execute(raise_on_error=False))

    async def publish(self, execution: ExecutionEnvelope, mark: tuple[bytes, bytes] = (b"", b"")) -> Sent:
        """Publish a final execution; an approved one if the books are still those of this `mark`."""
        action, approved = execution.action, execution.status == "approved"
        arena_id, moment = action.arena_id, action.as_of.timestamp()
        trades = approved and action.verdict != "HOLD"
        keys = [final_marker(arena_id), EXECUTIONS, TRADING, REVISION, PENDING, DEADLINES, POSITIONS, RECENT]
        arguments: list[Any] = [FIELD, encode(execution.model_dump(mode="json"))[FIELD], MARKER_SECONDS]
        arguments += [int(approved), *mark, arena_id]
        arguments += [moment if trades else "", moment - _DAY, _opened(execution)]
        return Sent(text(await self._publish(keys=[*keys, _claim(action)], args=arguments)))

    async def end(self, arena_ids: Iterable[str], earned: tuple[str, float, float] | None = None) -> None:
        """Remove the positions of these runs, and count what was `earned`: by which entry, how much, when.

        Safe to repeat: an entry counts once.
        """
        entry, pnl, at = earned or ("", 0.0, 0.0)
        member = f"{entry} {pnl!r}" if earned else ""
        await self._end(keys=[POSITIONS, LOSSES, REVISION], args=[member, at, at - self._window_s, *arena_ids])

    async def realised(self, at: float) -> float:
        """Profit and loss within the window that ends at `at` (Unix time), and since."""
        return _sum(await self._redis.zrangebyscore(LOSSES, f"({at - self._window_s}", "+inf"))


async def open_positions(redis: Redis) -> list[Position]:
    """Everything open, by the time it was decided. Raises `TradingStateError` when that cannot be read."""
    pipeline = redis.pipeline(transaction=False)
    pipeline.hvals(POSITIONS)
    (found,) = _readable(await pipeline.execute(raise_on_error=False))
    return sorted(map(_position, found), key=lambda held: held.as_of)


def _readable(answers: list[Any]) -> list[Any]:
    for answer in answers:
        if isinstance(answer, Exception):
            raise TradingStateError(f"The risk gate's books cannot be read ({answer}), so nothing is traded.")
    return answers


def _position(raw: bytes) -> Position:
    try:
        return Position.model_validate_json(raw)
    except ValidationError as error:
        raise TradingStateError(f"A position in {POSITIONS} cannot be read, so nothing is traded.") from error


def _opened(execution: ExecutionEnvelope) -> str:
    if not execution.exposure:
        return ""
    action = execution.action
    return Position(
        arena_id=action.arena_id,
        arena=action.arena,
        ticker=action.target.ticker,
        side=action.verdict,
        size=execution.exposure,
        as_of=action.as_of,
    ).model_dump_json()


def _sum(losses: Iterable[Any]) -> float:
    return sum(float(text(member).partition(" ")[2]) for member in losses)


def _claim(action: TradingAction) -> str:
    return beside(EXECUTIONS, "traded", action.arena, action.target.ticker, action.target.trade_date)

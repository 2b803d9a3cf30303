"""The trading state: ACTIVE, REDUCING or HALTED, for everything that goes through the risk gate.

It is one plain JSON key, next to what the gate writes: whoever can reach the server can change it, with every worker
and model down, and the gate sees the change in the same step in which it would let an action go.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from maf_core.errors import TradingStateError
from maf_core.streams import codec
from maf_core.streams.names import EXECUTIONS, beside
from maf_core.streams.raw import entries

State = Literal["ACTIVE", "REDUCING", "HALTED"]

# In the cluster slot of the executions, so that one script can touch both.
TRADING = beside(EXECUTIONS, "trading")
HISTORY = beside(EXECUTIONS, "trading", "history")
LOSSES = beside(EXECUTIONS, "losses")
_KEPT = 1000

# KEYS: state, history, losses. ARGV: the state, how long the history is kept, the history's field, whether losses are
# counted anew, whether only the state in ARGV[6] may be changed.
_WRITE = """
if ARGV[5] == '1' then
  local found = redis.call('GET', KEYS[1])
  if (found or '') ~= ARGV[6] then return 0 end
end
redis.call('SET', KEYS[1], ARGV[1])
if redis.call('TYPE', KEYS[2]).ok ~= 'stream' then redis.call('DEL', KEYS[2]) end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', ARGV[3], ARGV[1])
if ARGV[4] == '1' then redis.call('DEL', KEYS[3]) end
return 1
"""


class TradingState(BaseModel):
    """Whether MAF trades, who said so, why, and since when (UTC)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    state: State
    who: str = ""
    why: str = ""
    since: datetime | None = None

    def __str__(self) -> str:
        said = f" since {self.since.isoformat(timespec='seconds')} by {self.who}: {self.why}" if self.since else ""
        return f"{self.state}{said}"


def parse_trading(raw: Any) -> TradingState:
    """The state from what the key holds; nothing is ACTIVE.

    Raises `TradingStateError` for anything but a state: whoever cannot read it must not trade.
    """
    if raw is None:
        return TradingState(state="ACTIVE")
    try:
        return TradingState.model_validate_json(raw)
    except (ValidationError, TypeError) as error:
        raise TradingStateError(
            f"The trading state in {TRADING} cannot be read, so nothing is traded. Set it: maf halt, reduce or resume."
        ) from error


async def read_trading(redis: Redis) -> TradingState:
    """The state as it is now; raises as `parse_trading` does."""
    return parse_trading(await _raw(redis))


async def set_trading(redis: Redis, state: State, who: str, why: str) -> TradingState:
    """Change the state, whatever it was. One round trip; from then on no action goes out against it.

    ACTIVE counts losses from zero again, so that a lock that a person lifted does not fall shut at once.
    """
    said = _said(state, who, why)
    await _write(redis, said)
    return said


async def lock_trading(redis: Redis, who: str, why: str) -> bool:
    """From ACTIVE to REDUCING, until a person resumes; False when it was not ACTIVE. Raises as `parse_trading` does."""
    while True:
        raw = await _raw(redis)
        if parse_trading(raw).state != "ACTIVE":
            return False
        if await _write(redis, _said("REDUCING", who, why), only=raw or b""):
            return True


async def trading_history(redis: Redis, most: int = 20) -> list[TradingState]:
    """The last states, the newest first; the server keeps about a thousand."""
    found = entries(await redis.xrevrange(HISTORY, count=most))
    return [TradingState.model_validate(codec.decode(fields)) for _, fields in found]


async def _raw(redis: Redis) -> Any:
    try:
        return await redis.get(TRADING)
    except ResponseError:  # the key holds something else
        return b""


def _said(state: State, who: str, why: str) -> TradingState:
    return TradingState(state=state, who=who, why=why, since=datetime.now(UTC))


async def _write(redis: Redis, said: TradingState, only: Any = None) -> bool:
    """Set the state and add it to the history; with `only`, not unless the key holds just that."""
    anew, guarded = int(said.state == "ACTIVE"), int(only is not None)
    arguments: list[Any] = [said.model_dump_json(), _KEPT, codec.FIELD, anew, guarded, only or b""]
    return bool(await redis.register_script(_WRITE)(keys=[TRADING, HISTORY, LOSSES], args=arguments))

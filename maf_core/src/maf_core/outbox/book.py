"""What the risk gate knows at the moment of judging: the trading state, what is open, what went before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from maf_core.outbox.models import TradingAction, Verdict
from maf_core.outbox.trading import TradingState

# A sum of decimal fractions carries the error of a float; no limit is passed or missed because of one.
ROUNDING = 1e-9


class Position(BaseModel):
    """What an approved action opened and no outcome has ended yet. `size` is a fraction of its arena's equity."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    arena_id: str
    arena: str
    ticker: str
    side: Verdict
    size: float
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's yes to an action that waited for it, in `words`. `at`: when it counts, in the service's time."""

    who: str
    words: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RiskBook:
    """One look at the books, for one action. What is judged by it goes out only if nothing has changed since.

    `recent`: actions that went out within an hour of this one, in the time of the data. `realised`: profit and loss
    within `risk.loss_window_h`. `traded_by`: the run that has traded this arena's ticker on this trade date. `mark`
    tells this look from a later one. `fault`: why the books cannot be read; then there is nothing to judge by.
    """

    trading: TradingState
    positions: tuple[Position, ...] = ()
    recent: int = 0
    realised: float = 0.0
    traded_by: str | None = None
    approval: Approval | None = None
    mark: tuple[bytes, bytes] = (b"", b"")
    fault: str = ""

    @classmethod
    def unreadable(cls, fault: str) -> RiskBook:
        """Books that nothing gets past."""
        return cls(TradingState(state="HALTED", why=fault), fault=fault)

    def moment(self, action: TradingAction) -> datetime:
        """When the action would go out: when it was approved, else when it was decided."""
        return self.approval.at if self.approval else action.as_of

    def closes(self, action: TradingAction) -> bool:
        """Whether it is the SELL of something that its arena has bought, as far as is known."""
        return action.verdict == "SELL" and any(
            (held.arena, held.ticker, held.side) == (action.arena, action.target.ticker, "BUY")
            for held in self.positions
        )

    def opens(self, action: TradingAction) -> bool:
        """Whether it may add exposure: a BUY, and a SELL of what is not known to be held."""
        return action.verdict != "HOLD" and not self.closes(action)

    def exposure(self, ticker: str | None = None) -> float:
        """The sizes of all open positions, of either side; of one ticker, if it is named."""
        return sum(held.size for held in self.positions if ticker in (None, held.ticker))

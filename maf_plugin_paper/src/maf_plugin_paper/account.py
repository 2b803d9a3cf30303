"""The state of one arena's account. Frozen: a change is a new account."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from maf_plugin_paper.money import cents

Side = Literal["BUY", "SELL"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Order(_Record):
    """An approved decision. `as_of` is when it was made (UTC), `execution` the id of its stream entry.

    `budget` is the money it may spend, known once the order has been accepted.
    """

    arena: str
    arena_id: str
    correlation_id: str
    ticker: str
    side: Side
    size_fraction: float
    as_of: datetime
    execution: str
    budget: float = 0.0


class Position(_Record):
    """Shares held. `cost` is what they cost with the fee; `last_price` the close of the bar known at `marked_at`."""

    order: Order
    quantity: float
    entry_price: float
    cost: float
    opened_at: datetime
    last_price: float
    marked_at: datetime

    @property
    def value(self) -> float:
        """What the shares are worth at the last close."""
        return cents(self.quantity * self.last_price)

    @property
    def unrealized(self) -> float:
        """Profit if they were sold at the last close without costs."""
        return cents(self.value - self.cost)


class Account(_Record):
    """Cash, positions and waiting orders by ticker, and what has been paid and done so far.

    `decided`: the time of the newest decision on each ticker, so that one that arrives late does not undo it.
    """

    initial: float
    cash: float
    positions: dict[str, Position] = Field(default_factory=dict)
    waiting: dict[str, Order] = Field(default_factory=dict)
    decided: dict[str, datetime] = Field(default_factory=dict)
    fees: float = 0.0
    slippage: float = 0.0
    fills: int = 0
    closes: int = 0
    wins: int = 0

    @classmethod
    def opened(cls, initial: float) -> Account:
        """A new account."""
        return cls(initial=initial, cash=initial)

    @property
    def equity(self) -> float:
        """Cash and what the positions are worth. Always the initial equity + `realized` + `unrealized`."""
        return cents(self.cash + sum(position.value for position in self.positions.values()))

    @property
    def unrealized(self) -> float:
        """Profit of the open positions, after the costs of buying them."""
        return cents(sum(position.unrealized for position in self.positions.values()))

    @property
    def realized(self) -> float:
        """Profit of the closed trades, after all costs."""
        return cents(self.cash + sum(position.cost for position in self.positions.values()) - self.initial)

    def follows(self, ticker: str) -> bool:
        """Whether a bar of this ticker means anything to the account."""
        return ticker in self.positions or ticker in self.waiting

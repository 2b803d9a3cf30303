"""What a bar gives for an order: price, quantity and costs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from maf_core import Bar
from maf_plugin_paper.config import PaperSettings
from maf_plugin_paper.money import cents, down, up

_BPS = 10_000
_SHARES = 1_000_000  # the smallest part of a share that is traded is a millionth
# Value and fee are each rounded up to a cent, and the fee is taken of the rounded value.
_ROUNDING = 0.03


@dataclass(frozen=True, slots=True)
class Fill:
    """What was traded. `value`, `fee` and `slippage` are money; the slippage is already in the price and the value."""

    quantity: float
    price: float
    value: float
    fee: float
    slippage: float


def purchase(bar: Bar, budget: float, cash: float, costs: PaperSettings) -> Fill | None:
    """Buy for `budget` at the bar's open, or for what `cash` allows; None when that is less than a millionth share."""
    opened = _open(bar)
    price = min(opened * (1 + costs.slippage_bps / _BPS), bar.h)
    spendable = cash - _ROUNDING
    value = min(budget, spendable / (1 + costs.fee_bps / _BPS), spendable - costs.min_fee)
    quantity = math.floor(value / price * _SHARES) / _SHARES
    if quantity <= 0:
        return None
    paid = up(quantity * price)
    return Fill(quantity, price, paid, _fee(paid, costs), cents(quantity * (price - opened)))


def sale(bar: Bar, quantity: float, costs: PaperSettings) -> Fill:
    """Sell `quantity` at the bar's open. The fee never exceeds the proceeds: a sale cannot leave a debt."""
    opened = _open(bar)
    price = max(opened * (1 - costs.slippage_bps / _BPS), bar.l)
    proceeds = down(quantity * price)
    return Fill(quantity, price, proceeds, min(_fee(proceeds, costs), proceeds), cents(quantity * (opened - price)))


def _open(bar: Bar) -> float:
    # A bar may be accepted with an open that a rounding error puts beyond its range.
    return min(max(bar.o, bar.l), bar.h)


def _fee(value: float, costs: PaperSettings) -> float:
    return up(max(costs.min_fee, value * costs.fee_bps / _BPS))

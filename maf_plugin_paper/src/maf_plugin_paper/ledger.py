"""The rules of the broker, as pure functions: an account and an event give a new account and what to publish.

Applying the same bar again changes nothing; that is what makes a redelivered entry harmless.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from maf_core import Bar
from maf_plugin_paper.account import Account, Order, Position
from maf_plugin_paper.config import PaperSettings
from maf_plugin_paper.money import cents
from maf_plugin_paper.outcomes import Outcome, closed, dropped, filled
from maf_plugin_paper.pricing import Fill, purchase, sale


@dataclass(frozen=True, slots=True)
class Step:
    """What came of an event."""

    account: Account
    outcomes: tuple[Outcome, ...] = ()


def accept(account: Account, order: Order) -> Step:
    """Let an order wait for its bar, in place of one that waits already; or drop it with the reason."""
    ticker = order.ticker
    newest = account.decided.get(ticker)
    if newest is not None and order.as_of < newest:
        return Step(account, (dropped(order, f"overtaken by the decision of {newest.isoformat()}"),))
    outcomes = []
    waiting = dict(account.waiting)
    replaced = waiting.pop(ticker, None)
    if replaced is not None:
        outcomes.append(dropped(replaced, f"replaced by {order.arena_id}"))
    reason = _refusal(account, order)
    if reason is None:
        # Sized by what is known now; the bar that fills it must not have a say in its size.
        waiting[ticker] = order.model_copy(update={"budget": cents(order.size_fraction * account.equity)})
    else:
        outcomes.append(dropped(order, reason))
    decided = account.decided | {ticker: order.as_of}
    return Step(account.model_copy(update={"waiting": waiting, "decided": decided}), tuple(outcomes))


def on_bars(account: Account, bars: Iterable[Bar], costs: PaperSettings) -> Step:
    """Apply bars in their order: each fills what waits for it, then marks what is held."""
    outcomes: list[Outcome] = []
    for bar in bars:
        order = account.waiting.get(bar.symbol)
        if order is not None and _is_next(account, order, bar):
            step = (_buy if order.side == "BUY" else _sell)(account, order, bar, costs)
            account = step.account
            outcomes += step.outcomes
        account = _marked(account, bar)
    return Step(account, tuple(outcomes))


def emptied(account: Account) -> Step:
    """Drop everything that is held or waits."""
    orders = [position.order for position in account.positions.values()] + list(account.waiting.values())
    outcomes = tuple(dropped(order, "the account was reset") for order in orders)
    return Step(account.model_copy(update={"positions": {}, "waiting": {}}), outcomes)


def _refusal(account: Account, order: Order) -> str | None:
    is_long = order.ticker in account.positions
    if order.side == "BUY" and is_long:
        return "already long"
    if order.side == "SELL" and not is_long:
        return "nothing to sell"
    return None


def _is_next(account: Account, order: Order, bar: Bar) -> bool:
    """The bar opens after the decision, at a price nobody could know; one delivered late closes nothing newer."""
    position = account.positions.get(order.ticker)
    return bar.t >= order.as_of and (position is None or bar.t >= position.opened_at)


def _buy(account: Account, order: Order, bar: Bar, costs: PaperSettings) -> Step:
    fill = purchase(bar, order.budget, account.cash, costs)
    if fill is None:
        reason = f"nothing to buy with: size {order.size_fraction:g}, cash {account.cash:.2f}"
        return Step(_without_order(account, order), (dropped(order, reason),))
    cost = cents(fill.value + fill.fee)
    position = Position(
        order=order,
        quantity=fill.quantity,
        entry_price=fill.price,
        cost=cost,
        opened_at=bar.t,
        last_price=bar.c,
        marked_at=bar.as_of,
    )
    after = _after_fill(account, order, fill, -cost)
    positions = account.positions | {order.ticker: position}
    return Step(after.model_copy(update={"positions": positions}), (filled(order, bar, fill),))


def _sell(account: Account, order: Order, bar: Bar, costs: PaperSettings) -> Step:
    positions = dict(account.positions)
    position = positions.pop(order.ticker)
    fill = sale(bar, position.quantity, costs)
    received = cents(fill.value - fill.fee)
    pnl = cents(received - position.cost)
    after = _after_fill(account, order, fill, received)
    update = {"positions": positions, "closes": account.closes + 1, "wins": account.wins + (pnl > 0)}
    outcomes = (filled(order, bar, fill), closed(position, order, bar, fill, pnl))
    return Step(after.model_copy(update=update), outcomes)


def _after_fill(account: Account, order: Order, fill: Fill, received: float) -> Account:
    update = {
        "cash": cents(account.cash + received),
        "fees": cents(account.fees + fill.fee),
        "slippage": cents(account.slippage + fill.slippage),
        "fills": account.fills + 1,
    }
    return _without_order(account, order).model_copy(update=update)


def _without_order(account: Account, order: Order) -> Account:
    waiting = {ticker: other for ticker, other in account.waiting.items() if ticker != order.ticker}
    return account.model_copy(update={"waiting": waiting})


def _marked(account: Account, bar: Bar) -> Account:
    position = account.positions.get(bar.symbol)
    if position is None or bar.as_of <= position.marked_at:
        return account
    marked = position.model_copy(update={"last_price": bar.c, "marked_at": bar.as_of})
    return account.model_copy(update={"positions": account.positions | {bar.symbol: marked}})

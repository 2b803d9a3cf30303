"""What `maf paper status` says: plain data, and the same as a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.table import Table

from maf_plugin_paper.account import Account
from maf_plugin_paper.money import cents

Report = dict[str, Any]


def report(accounts: dict[str, Account]) -> Report:
    """All accounts and their sums. Money in the currency of the bars; `pnl` = realized + unrealized, after costs."""
    arenas = {name: _of_account(account) for name, account in accounts.items()}
    return {
        "arenas": arenas,
        "fills": sum(arena["fills"] for arena in arenas.values()),
        "closes": sum(arena["closes"] for arena in arenas.values()),
        "open_positions": sum(len(arena["open_positions"]) for arena in arenas.values()),
        "pnl": cents(sum(arena["realized_pnl"] + arena["unrealized_pnl"] for arena in arenas.values())),
        "fees": cents(sum(arena["fees"] for arena in arenas.values())),
        "slippage": cents(sum(arena["slippage"] for arena in arenas.values())),
    }


def tables(status: Report) -> Iterator[Table]:
    """The accounts, then what they hold and what waits, if anything."""
    yield _accounts(status)
    if status["open_positions"]:
        yield _positions(status)
    if any(arena["waiting"] for arena in status["arenas"].values()):
        yield _waiting(status)


def _of_account(account: Account) -> Report:
    positions = [
        {
            "ticker": ticker,
            "quantity": position.quantity,
            "entry_price": position.entry_price,
            "last_price": position.last_price,
            "unrealized": position.unrealized,
            "opened_at": position.opened_at.isoformat(),
        }
        for ticker, position in sorted(account.positions.items())
    ]
    waiting = [
        {"ticker": ticker, "side": order.side, "as_of": order.as_of.isoformat(), "arena_id": order.arena_id}
        for ticker, order in sorted(account.waiting.items())
    ]
    return {
        "initial_equity": account.initial,
        "equity": account.equity,
        "cash": account.cash,
        "realized_pnl": account.realized,
        "unrealized_pnl": account.unrealized,
        "fees": account.fees,
        "slippage": account.slippage,
        "fills": account.fills,
        "closes": account.closes,
        "wins": account.wins,
        "open_positions": positions,
        "waiting": waiting,
    }


def _accounts(status: Report) -> Table:
    table = _table("Paper accounts", "", *status["arenas"])
    arenas = status["arenas"].values()
    for key in ("equity", "cash", "realized_pnl", "unrealized_pnl", "fees", "slippage"):
        table.add_row(key.replace("_pnl", " profit"), *(f"{arena[key]:,.2f}" for arena in arenas))
    table.add_row("fills", *(str(arena["fills"]) for arena in arenas))
    table.add_row("closed trades (wins)", *(f"{arena['closes']} ({arena['wins']})" for arena in arenas))
    return table


def _positions(status: Report) -> Table:
    table = _table("Open positions", "arena", "ticker", "quantity", "entry", "last", "unrealized")
    for name, arena in status["arenas"].items():
        for held in arena["open_positions"]:
            prices = (f"{held[key]:,.4f}" for key in ("quantity", "entry_price", "last_price"))
            table.add_row(name, held["ticker"], *prices, f"{held['unrealized']:,.2f}")
    return table


def _waiting(status: Report) -> Table:
    table = _table("Orders waiting for their next bar", "arena", "ticker", "side", "decided at")
    for name, arena in status["arenas"].items():
        for order in arena["waiting"]:
            table.add_row(name, order["ticker"], order["side"], order["as_of"])
    return table


def _table(title: str, *columns: str) -> Table:
    texts = ("", "arena", "ticker", "side", "decided at")
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="left" if column in texts else "right", overflow="fold")
    return table

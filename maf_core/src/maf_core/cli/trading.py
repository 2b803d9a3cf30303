"""`maf halt`, `maf reduce`, `maf resume`, `maf trading-state`: whether MAF trades.

They write to the server themselves, and need no service, worker or model.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from maf_core.cli import payloads
from maf_core.cli.options import connection_options, redis_of, settings_of
from maf_core.cli.person import who_asks
from maf_core.cli.tables import table
from maf_core.outbox.ledger import open_positions
from maf_core.outbox.pending import pending
from maf_core.outbox.trading import State, TradingState, read_trading, set_trading, trading_history
from maf_core.settings import Settings


def _changing(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a command that changes the state."""
    options = [
        click.option("--why", required=True, help="The reason; the history keeps it."),
        click.option("--who", default=who_asks, show_default="user@host", help="Whose word it is."),
    ]
    for option in reversed(options):
        command = option(command)
    return connection_options(command)


@click.command()
@_changing
def halt(why: str, who: str, **where: Any) -> None:
    """Stop trading at once: nothing is bought or sold, not even to close a position.

    Actions that come are rejected; those that wait for approval cannot go out either. What went out before is with its
    engine.
    """
    _change("HALTED", who, why, "Nothing is bought or sold. To let positions be closed: maf reduce --why …", **where)


@click.command()
@_changing
def reduce(why: str, who: str, **where: Any) -> None:
    """Open nothing more: only the SELL of what is held goes out."""
    _change("REDUCING", who, why, "Only the SELL of what is held goes out. To trade again: maf resume --why …", **where)


@click.command()
@_changing
def resume(why: str, who: str, **where: Any) -> None:
    """Trade again, also after a loss limit has locked; losses are counted from zero."""
    _change("ACTIVE", who, why, "Actions go out again, within the limits of the risk gate.", **where)


@click.command("trading-state")
@click.option("--history", metavar="N", type=click.IntRange(min=1), help="Show the last N changes.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@connection_options
def trading_state(history: int | None, as_json: bool, **where: Any) -> None:
    """Say whether MAF trades, who said so and why, and what is open."""
    found = asyncio.run(_report(settings_of(**where), history or 0))
    click.echo(payloads.as_json(found) if as_json else "\n".join(_lines(found)))


def _change(
    state: State, who: str, why: str, means: str, redis_url: str | None, data_dir: Path | None, config_dir: Path | None
) -> None:
    if not why.strip():
        raise click.UsageError("say why, in a few words: whoever finds trading stopped has to know.")

    async def work() -> TradingState:
        async with redis_of(settings_of(redis_url, data_dir, config_dir)) as redis:
            return await set_trading(redis, state, who, why.strip())

    click.echo(f"{asyncio.run(work())}\n{means}")


def _lines(found: dict[str, Any]) -> Iterator[str]:
    yield str(found["trading"])
    limit = "no limit" if found["max_exposure"] is None else f"{found['max_exposure']:.3f}"
    counts = f"Open positions: {len(found['positions'])}. Waiting for approval: {found['pending']}."
    yield f"Exposure: {found['exposure']:.3f} of {limit}. {counts}"
    if found["positions"]:
        rows = [(held.ticker, held.side, f"{held.size:.3f}", held.arena_id) for held in found["positions"]]
        yield table(("TICKER", "SIDE", "SIZE", "ACTION"), *rows)
    yield from map(str, found.get("history", ()))


async def _report(settings: Settings, history: int) -> dict[str, Any]:
    async with redis_of(settings) as redis:
        positions = await open_positions(redis)
        return {
            "trading": await read_trading(redis),
            "exposure": round(sum(held.size for held in positions), 9),
            "max_exposure": settings.risk.max_exposure,
            "positions": positions,
            "pending": len(await pending(redis)),
            **({"history": await trading_history(redis, history)} if history else {}),
        }

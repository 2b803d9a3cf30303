"""`maf paper`: what the broker holds and earned."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
from pydantic_core import to_json
from rich.console import Console

from maf_core.cli.options import connection_options, redis_of, settings_of
from maf_core.errors import UnknownNameError
from maf_core.settings import Settings
from maf_plugin_paper.account import Account
from maf_plugin_paper.status import report, tables
from maf_plugin_paper.store import forget_accounts, read_accounts


@click.group()
def cli() -> None:
    """See what the paper broker holds and earned."""


@cli.command()
@click.option("--arena", metavar="NAME", help="Only this arena's account.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@connection_options
def status(
    arena: str | None, as_json: bool, redis_url: str | None, data_dir: Path | None, config_dir: Path | None
) -> None:
    """Show equity, profit and loss, costs, open positions and waiting orders of each arena."""
    accounts = asyncio.run(_accounts(settings_of(redis_url, data_dir, config_dir)))
    found = report(_only(arena, accounts) if arena else accounts)
    if as_json:
        click.echo(to_json(found, indent=2))
    elif accounts:
        Console().print(*tables(found), sep="\n")
    else:
        click.echo("No arena has traded yet. An account opens with the first approved BUY or SELL.")


@cli.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@connection_options
def reset(yes: bool, redis_url: str | None, data_dir: Path | None, config_dir: Path | None) -> None:
    """Delete all accounts: every arena begins again with the initial equity.

    Published outcomes stay; what is open or waits ends as dropped.
    """
    if not yes:
        click.confirm("Delete all paper accounts with their positions and waiting orders?", abort=True)
    count = asyncio.run(_reset(settings_of(redis_url, data_dir, config_dir)))
    click.echo(f"Deleted {count} paper account{'' if count == 1 else 's'}.")


async def _accounts(settings: Settings) -> dict[str, Account]:
    async with redis_of(settings) as redis:
        return await read_accounts(redis)


async def _reset(settings: Settings) -> int:
    async with redis_of(settings) as redis:
        return await forget_accounts(redis)


def _only(arena: str, accounts: dict[str, Account]) -> dict[str, Account]:
    if arena not in accounts:
        known = ", ".join(accounts) or "none yet"
        raise UnknownNameError(f"No arena {arena!r} has a paper account; there are: {known}. Try: maf paper status")
    return {arena: accounts[arena]}

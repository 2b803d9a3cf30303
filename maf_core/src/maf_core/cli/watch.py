"""`maf watch`: the watch list."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import click

from maf_core.cli.options import connection_options, redis_of, settings_of
from maf_core.plane.watch import WatchList


@click.group()
def cli() -> None:
    """Say which symbols to keep an eye on."""


@cli.command()
@click.argument("symbols", nargs=-1, required=True)
@click.option("--days", type=click.FloatRange(min=0, min_open=True), default=30.0, show_default=True)
@connection_options
def add(
    symbols: tuple[str, ...],
    days: float,
    redis_url: str | None,
    data_dir: Path | None,
    config_dir: Path | None,
) -> None:
    """Watch SYMBOLS."""

    async def work() -> None:
        async with redis_of(settings_of(redis_url, data_dir, config_dir)) as redis:
            for symbol in symbols:
                await WatchList(redis).add(symbol, "symbol", days * 86_400)

    asyncio.run(work())


@cli.command()
@click.argument("symbols", nargs=-1, required=True)
@connection_options
def remove(symbols: tuple[str, ...], redis_url: str | None, data_dir: Path | None, config_dir: Path | None) -> None:
    """Stop watching SYMBOLS."""

    async def work() -> list[str]:
        async with redis_of(settings_of(redis_url, data_dir, config_dir)) as redis:
            return [symbol for symbol in symbols if not await WatchList(redis).remove(symbol, "symbol")]

    for symbol in asyncio.run(work()):
        click.echo(f"{symbol} was not watched.", err=True)


@cli.command("list")
@connection_options
def list_watched(redis_url: str | None, data_dir: Path | None, config_dir: Path | None) -> None:
    """List what is watched, and until when."""

    async def work() -> None:
        async with redis_of(settings_of(redis_url, data_dir, config_dir)) as redis:
            for watched in await WatchList(redis).members():
                until = datetime.fromtimestamp(watched.expires_at, UTC).isoformat(timespec="minutes")
                click.echo(f"{watched.kind}  {watched.target_id}  until {until}")

    asyncio.run(work())

"""`maf channels`: the streams."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click

from maf_core.app import load_arenas
from maf_core.channels import Measured, catalogue, measure
from maf_core.cli.options import connection_options, redis_of, settings_of
from maf_core.cli.tables import listed, table
from maf_core.logs import configure
from maf_core.plugins import PluginManager

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


@click.group()
def cli() -> None:
    """See the streams."""


@cli.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print an array of objects.")
@connection_options
def list_channels(as_json: bool, redis_url: str | None, data_dir: Path | None, config_dir: Path | None) -> None:
    """List the streams that plugins offer and arenas read: how long each is, how old its newest entry."""
    configure("warning")
    plugins = PluginManager.load()
    channels = catalogue(plugins, load_arenas(plugins, config_dir))

    async def work() -> list[Measured]:
        async with redis_of(settings_of(redis_url, data_dir, config_dir)) as redis:
            return await measure(redis, channels)

    measured = asyncio.run(work())
    if as_json:
        click.echo(json.dumps([found.as_json() for found in measured], indent=2))
    else:
        click.echo(table(("STREAM", "LENGTH", "NEWEST", "OFFERED BY", "READ BY", "WHAT"), *map(_cells, measured)))


def _cells(found: Measured) -> tuple[str, ...]:
    channel = found.channel
    newest = "-" if found.age_s is None else f"{_duration(found.age_s)} ago"
    readers, what = listed(channel.read_by), found.fault or channel.summary
    return channel.stream, str(found.length), newest, listed(channel.offered_by), readers, what


def _duration(seconds: float) -> str:
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"

"""`maf channels`: the streams."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from redis.asyncio import Redis

from maf_core.app import load_arenas
from maf_core.channels import Measured, catalogue, discover_channels, measure
from maf_core.cli.channels_dead import dead
from maf_core.cli.channels_look import preview, schema
from maf_core.cli.channels_redrive import redrive_dead
from maf_core.cli.options import connection_options, with_redis
from maf_core.cli.payloads import as_json
from maf_core.cli.tables import duration, listed, table
from maf_core.logs import configure
from maf_core.plugins import PluginManager
from maf_core.streams.standing import GroupStanding


@click.group()
def cli() -> None:
    """See the streams, and what was given up."""


for command in (preview, schema, dead):
    cli.add_command(command)
dead.add_command(redrive_dead)


@cli.command("list")
@click.option("--groups", is_flag=True, help="A line for each consumer group instead.")
@click.option("--known", is_flag=True, help="Only what plugins offer and arenas use; search nothing on the server.")
@click.option("--json", "json_wanted", is_flag=True, help="Print an array of objects, with everything.")
@connection_options
def list_channels(groups: bool, known: bool, json_wanted: bool, config_dir: Path | None, **where: Any) -> None:
    """List the streams: how long each is, how old its newest entry, how far its readers have come."""
    configure("warning")
    plugins = PluginManager.load()
    arenas = load_arenas(plugins, config_dir)

    async def work(redis: Redis) -> list[Measured]:
        channels = catalogue(plugins, arenas) if known else await discover_channels(redis, plugins, arenas)
        return await measure(redis, channels)

    measured = with_redis(work, config_dir=config_dir, **where)
    if json_wanted:
        click.echo(as_json([found.as_json() for found in measured]))
    elif groups:
        rows = [_group_cells(found, group) for found in measured for group in found.groups]
        click.echo(table(("STREAM", "GROUP", "LAG", "PENDING", "OLDEST", "CONSUMERS", "LAST ASKED"), *rows))
    else:
        heading = ("STREAM", "LENGTH", "LAST ID", "NEWEST", "LAG", "PENDING", "READ BY", "WHAT")
        click.echo(table(heading, *map(_cells, measured)))


def _cells(found: Measured) -> tuple[str, ...]:
    channel = found.channel
    newest = "-" if found.age_s is None else f"{duration(found.age_s)} ago"
    pending = str(sum(group.pending for group in found.groups)) if found.groups else "-"
    what = found.fault or channel.summary or ("" if channel.known else "found on the server")
    numbers = (str(found.length), found.last_id or "-", newest, _most_behind(found.groups), pending)
    return channel.stream, *numbers, listed(channel.read_by), what


def _group_cells(found: Measured, group: GroupStanding) -> tuple[str, ...]:
    oldest = "-" if group.oldest_pending_s is None else duration(group.oldest_pending_s)
    asked = "never" if group.asked_s is None else f"{duration(group.asked_s)} ago"
    return (
        found.channel.stream,
        group.group,
        _lag(group),
        str(group.pending),
        oldest,
        str(group.consumers),
        asked,
    )


def _most_behind(groups: Sequence[GroupStanding]) -> str:
    """The lag of the group that is furthest behind; one whose lag is unknown may be it."""
    if not groups:
        return "-"
    return _lag(max(groups, key=lambda group: (group.lag is None, group.lag or 0)))


def _lag(group: GroupStanding) -> str:
    return "?" if group.lag is None else str(group.lag)

"""`maf watch`: the watch list."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click
from pydantic_core import from_json
from redis.asyncio import Redis

from maf_core.cli.options import connection_options, with_redis
from maf_core.cli.payloads import as_json, brief
from maf_core.cli.tables import table
from maf_core.errors import UsageError
from maf_core.plane.interest import spelt
from maf_core.plane.watch import KINDS, Kind, Watched, WatchList

_DAY = 86_400


@click.group()
def cli() -> None:
    """Say which symbols to keep an eye on."""


def _targets(command: Callable[..., None]) -> Callable[..., None]:
    """What is watched, and of which kind."""
    kind = click.option("--kind", type=click.Choice(KINDS), default="symbol", show_default=True)
    return click.argument("targets", nargs=-1, required=True)(kind(command))


@cli.command()
@_targets
@click.option("--days", type=click.FloatRange(min=0, min_open=True), default=30.0, show_default=True)
@click.option("--attrs", metavar="JSON", help='What refreshers should know, such as \'{"timeframes": ["1h"]}\'.')
@connection_options
def add(targets: tuple[str, ...], kind: Kind, days: float, attrs: str | None, **where: Any) -> None:
    """Watch TARGETS, by default symbols. To watch one again extends it, and never shortens."""
    if not all(target.strip() for target in targets):
        raise UsageError("One of the targets is empty; name a symbol, such as AAPL.")
    about = _attributes(attrs)

    async def work(redis: Redis) -> None:
        for target in targets:
            await WatchList(redis).add(spelt(target, kind), kind, days * _DAY, about)

    with_redis(work, **where)


@cli.command()
@_targets
@connection_options
def remove(targets: tuple[str, ...], kind: Kind, **where: Any) -> None:
    """Stop watching TARGETS at once, whoever wanted them watched."""

    async def work(redis: Redis) -> list[str]:
        watch = WatchList(redis)
        return [target for target in targets if not await watch.remove(spelt(target, kind), kind)]

    for target in with_redis(work, **where):
        click.echo(f"{target} was not watched.", err=True)


@cli.command("list")
@click.option("--kind", type=click.Choice(KINDS), help="Only these.")
@click.option("--json", "json_wanted", is_flag=True, help="Print an array of objects.")
@connection_options
def list_watched(kind: Kind | None, json_wanted: bool, **where: Any) -> None:
    """List what is watched, and until when."""
    watched = with_redis(lambda redis: WatchList(redis).members(kind), **where)
    if json_wanted:
        click.echo(as_json([_as_json(item) for item in watched]))
    elif watched:
        click.echo(table(*map(_cells, watched)))


def _cells(item: Watched) -> tuple[str, ...]:
    return item.kind, item.target_id, f"until {_until(item)}", brief(item.attrs) if item.attrs else ""


def _as_json(item: Watched) -> dict[str, Any]:
    return {"kind": item.kind, "target_id": item.target_id, "expires_at": _until(item), "attrs": item.attrs}


def _until(item: Watched) -> str:
    return datetime.fromtimestamp(item.expires_at, UTC).isoformat(timespec="minutes")


def _attributes(attrs: str | None) -> dict[str, Any] | None:
    if attrs is None:
        return None
    try:
        found = from_json(attrs)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UsageError(f'--attrs {attrs} is no JSON object; write it as \'{{"timeframes": ["1h"]}}\'.')
    return found

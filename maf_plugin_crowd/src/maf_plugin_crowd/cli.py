"""`maf crowd`: give the crowd something to predict."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
from pydantic_core import to_json
from redis.asyncio import Redis

from maf_core.cli.options import connection_options, with_redis
from maf_plugin_crowd.sample import put_questions


@click.group()
def cli() -> None:
    """Give the crowd something to predict."""


@cli.command()
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="Reports of bars from this day on.")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), help="Reports of bars up to this day.")
@click.option("--reports", type=click.IntRange(0, 1000), default=12, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@connection_options
def sample(
    first: datetime | None, last: datetime | None, reports: int, as_json: bool, config_dir: Path | None, **where: Any
) -> None:
    """Put questions on the streams: reports of drops, gaps and bursts of volume in the daily bars there, and a few bets
    and strategies. Each once, however often it is run.
    """

    async def work(redis: Redis) -> dict[str, int]:
        return await put_questions(redis, _day(first), _day(last), reports)

    asked = with_redis(work, config_dir=config_dir, **where)
    if as_json:
        click.echo(to_json(asked))
        return
    click.echo(", ".join(f"{count} × {source_type}" for source_type, count in asked.items()))


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None

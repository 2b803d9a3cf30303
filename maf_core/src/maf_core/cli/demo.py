"""`maf demo`: from nothing to decisions on real market data."""

from __future__ import annotations

import asyncio
import json
import tempfile
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from maf_core.demo.display import watch
from maf_core.demo.report import show
from maf_core.demo.scene import Play, perform
from maf_core.errors import UsageError

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; progress goes to stderr.")
@click.option(
    "--keep", type=click.Path(path_type=Path, file_okay=False), help="Leave the server's data in this folder."
)
@click.option("--redis-port", type=click.IntRange(1, 65535), help="Port of the embedded server (default: a free one).")
@click.option("--symbols", default="AAPL,GOOG,IBM,MSFT", show_default=True)
@click.option("--from", "first", type=_DAY, default="2012-03-01", show_default=True)
@click.option("--to", "last", type=_DAY, default="2013-03-01", show_default=True)
@click.option("--with-future-bars", is_flag=True, help="Put all bars on the stream first: the decisions stay the same.")
def demo(
    as_json: bool,
    keep: Path | None,
    redis_port: int | None,
    symbols: str,
    first: datetime,
    last: datetime,
    with_future_bars: bool,
) -> None:
    """Play a year of real bars through the whole system, with no key and no server.

    Exits 1 when the figures do not add up.
    """
    wanted = tuple(part.strip().upper() for part in symbols.split(",") if part.strip())
    if not wanted:
        raise UsageError("--symbols names none; name some, for example AAPL,IBM.")
    if first > last:
        raise UsageError("--from is later than --to; swap them.")
    play = Play(wanted, first.date(), last.date(), with_future_bars)
    progress = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="maf-demo-") if keep is None else nullcontext(str(keep)) as folder:
        result = asyncio.run(perform(play, Path(folder), redis_port, lambda redis: watch(redis, progress)))
    if as_json:
        click.echo(json.dumps(result.summary))
    else:
        show(result, Console())
    if keep is not None:
        progress.print(f"The data is in {escape(str(keep))}. Go on with:", soft_wrap=True)
        progress.print(f"  maf service run --redis embedded --data {escape(str(keep))}", soft_wrap=True)
    for line in result.wrong:
        progress.print(f"does not add up: {escape(line)}", soft_wrap=True)
    if result.wrong:
        raise SystemExit(1)

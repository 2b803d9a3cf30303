"""`maf demo`: from nothing to decisions on real market data."""

from __future__ import annotations

import asyncio
import json
import tempfile
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from maf_core.demo.display import watch
from maf_core.demo.report import show
from maf_core.demo.scene import Play, perform
from maf_core.errors import UsageError
from maf_core.plugins import PluginManager

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; progress goes to stderr.")
@click.option(
    "--keep", type=click.Path(path_type=Path, file_okay=False), help="Leave the server's data in this folder."
)
@click.option("--redis-port", type=click.IntRange(1, 65535), help="Port of the embedded server (default: a free one).")
@click.option("--symbols", help="[default: AAPL,GOOG,IBM,MSFT; with --llm: AAPL]")
@click.option("--from", "first", type=_DAY, default="2012-03-01", show_default=True)
@click.option("--to", "last", type=_DAY, help="[default: 2013-03-01; with --llm: 2012-03-16]")
@click.option("--llm", metavar="MODEL", help="Let a model have the last word: local, or provider:name.")
@click.option("--with-future-bars", is_flag=True, help="Put all bars on the stream first: the decisions stay the same.")
def demo(
    as_json: bool,
    keep: Path | None,
    redis_port: int | None,
    symbols: str | None,
    first: datetime,
    last: datetime | None,
    llm: str | None,
    with_future_bars: bool,
) -> None:
    """Play a year of real bars through the whole system, with no key and no server.

    Exits 1 when the figures do not add up.
    """
    play = _play(symbols, first, last, llm, future=with_future_bars)
    progress = Console(stderr=True)
    if play.model:
        progress.print(_slow(play), soft_wrap=True)
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


def _play(symbols: str | None, first: datetime, last: datetime | None, llm: str | None, *, future: bool) -> Play:
    model = None
    if llm is not None:
        from maf_core.demo.asking import model_of

        model = model_of(llm, PluginManager.load())
    symbols = symbols if symbols is not None else ("AAPL" if model else "AAPL,GOOG,IBM,MSFT")
    last = last or (datetime(2012, 3, 16, tzinfo=UTC) if model else datetime(2013, 3, 1, tzinfo=UTC))
    wanted = tuple(part.strip().upper() for part in symbols.split(",") if part.strip())
    if not wanted:
        raise UsageError("--symbols names none; name some, for example AAPL,IBM.")
    if first.date() > last.date():
        raise UsageError("--from is later than --to; swap them.")
    return Play(wanted, first.date(), last.date(), future, model)


def _slow(play: Play) -> str:
    return (
        f"{play.model} has the last word: it backs each verdict or holds back. With it a run takes seconds, so this "
        f"plays {', '.join(play.symbols)} from {play.first} to {play.last}; --symbols, --from and --to play more."
    )

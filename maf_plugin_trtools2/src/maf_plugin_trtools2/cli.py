"""`maf trtools2`: replay bars from files."""

from __future__ import annotations

import asyncio
import json
import math
import signal
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click
from redis.exceptions import RedisError

from maf_core.bars import seconds_of
from maf_core.cli.options import connection_options, redis_of, settings_of
from maf_core.errors import MAFError, UsageError
from maf_core.settings import Settings
from maf_plugin_trtools2.history import History
from maf_plugin_trtools2.moments import day_of
from maf_plugin_trtools2.reader import read_history
from maf_plugin_trtools2.replay import Replay, Speed
from maf_plugin_trtools2.selection import files_to_play, select
from maf_plugin_trtools2.summary import Summary
from maf_plugin_trtools2.terminal import Terminal, warnings

_DAY = click.DateTime(formats=["%Y-%m-%d"])


def _speed(_: click.Context, __: click.Parameter, value: str) -> Speed:
    if value == "lockstep":
        return "lockstep"
    if value == "max":
        return math.inf
    try:
        rate = float(value)
    except ValueError:
        rate = math.nan
    if not 0 < rate < math.inf:
        raise click.BadParameter(f"{value!r} is no speed. Say max, lockstep, or how many bars a second.")
    return rate


@click.group()
def cli() -> None:
    """Replay bars from files."""


@cli.command()
@click.argument("paths", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--sample", is_flag=True, help="Play the bundled bars: AAPL, FB, GOOG, IBM, MSFT, 2000 to 2013.")
@click.option("--symbols", metavar="A,B", default="", help="Play only these (default: all).")
@click.option("--from", "first", metavar="DATE", type=_DAY, help="First day to play, YYYY-MM-DD.")
@click.option("--to", "last", metavar="DATE", type=_DAY, help="Last day to play, YYYY-MM-DD.")
@click.option(
    "--speed",
    metavar="N|max|lockstep",
    callback=_speed,
    default="max",
    show_default=True,
    help="N bars a second; as fast as it goes; or each bar only when all have digested the one before.",
)
@click.option("--timeframe", default="1d", show_default=True, help="Length of the bars: 1min, 5min, 1h, 1d, 1w.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object.")
@connection_options
def replay(
    paths: tuple[Path, ...],
    sample: bool,
    symbols: str,
    first: datetime | None,
    last: datetime | None,
    speed: Speed,
    timeframe: str,
    as_json: bool,
    redis_url: str | None,
    data_dir: Path | None,
    config_dir: Path | None,
) -> None:
    """Play bars from CSV or Parquet FILEs onto trtools2:bars:TIMEFRAME, in order of time.

    The clock of the service goes with them and is released at the end. Rows that are no bars are rejected and reported.
    """
    started = time.monotonic()
    timeframe = timeframe.lower()
    seconds_of(timeframe)
    if first and last and first > last:
        raise UsageError(f"--from {first:%Y-%m-%d} is after --to {last:%Y-%m-%d}; swap them.")
    settings = settings_of(redis_url, data_dir, config_dir)
    history = read_history(files_to_play(paths, timeframe, sample=sample), timeframe)
    wanted = [symbol.strip().upper() for symbol in symbols.split(",") if symbol.strip()]
    part = select(history, wanted, first.date() if first else None, last.date() if last else None)
    stream = f"trtools2:bars:{timeframe}"
    played, ended_by = asyncio.run(_play(settings, part, stream, speed))
    summary = Summary(part, played, time.monotonic() - started, stream)
    click.echo(json.dumps(summary.as_json()) if as_json else "\n".join(summary.lines()))
    if ended_by is not None:
        raise SystemExit(128 + ended_by)


async def _play(settings: Settings, history: History, stream: str, speed: Speed) -> tuple[int, int | None]:
    """How many bars were played, and the signal that ended it before its time, if one did."""
    terminal = Terminal(len(history.bars))
    for sentence in warnings(history):
        terminal.say(sentence)
    stop = asyncio.Event()
    received = _on_signals(stop.set)
    async with redis_of(settings) as redis:
        run = Replay(redis, stream, history.bars, stop=stop, say=terminal.say, show=terminal.show)
        try:
            await run.run(speed)
        except (RedisError, OSError) as error:
            raise MAFError(_failed(history, run.played, error)) from error
        finally:
            terminal.clear()
    return run.played, received[0] if received else None


def _on_signals(stop: Callable[[], None]) -> list[int]:
    """Stop on SIGTERM and Ctrl-C instead of dying; the list fills with what was received."""
    received: list[int] = []

    def receive(number: int) -> None:
        received.append(number)
        stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, receive, number)
    return received


def _failed(history: History, played: int, error: Exception) -> str:
    rest = day_of(history.bars[min(played, len(history.bars) - 1)])
    return (
        f"Redis failed after {played:,} of {len(history.bars):,} bars: {error}. "
        f"See to the server, then play the rest with --from {rest}."
    )

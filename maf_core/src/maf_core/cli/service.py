"""`maf service`: the workers."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import click

from maf_core.cli.options import app_of, connection_options, settings_of
from maf_core.logs import LogFormat, configure
from maf_core.service import Service


@click.group()
def cli() -> None:
    """Run the workers."""


@cli.command()
@connection_options
@click.option("--plugins", metavar="A,B", help="Use only these plugins (default: all that are installed).")
@click.option("--redis-port", type=click.IntRange(1, 65535), help="Port of the embedded server (default: a free one).")
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info")
@click.option("--log-format", type=click.Choice(["auto", "console", "json"]), default="auto")
def run(
    redis_url: str | None,
    data_dir: Path | None,
    config_dir: Path | None,
    plugins: str | None,
    redis_port: int | None,
    log_level: str,
    log_format: LogFormat,
) -> None:
    """Run all workers until SIGTERM or Ctrl-C; runs that were begun are finished or handed back."""
    configure(log_level, log_format)
    settings = settings_of(redis_url, data_dir, config_dir)

    async def serve() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with app_of(settings, config_dir, plugins, redis_port) as context:
            await Service(context).run(stop)

    asyncio.run(serve())

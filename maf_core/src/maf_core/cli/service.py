"""`maf service`: the workers."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import click

from maf_core.cli.asking import answered
from maf_core.cli.options import app_of, connection_options, settings_of
from maf_core.cli.person import who_asks
from maf_core.errors import ConfigError
from maf_core.logs import LogFormat, configure
from maf_core.plane.commands import Command
from maf_core.service import Service


@click.group()
def cli() -> None:
    """Run the workers, and talk to those that run."""


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


@cli.command()
@click.option("--timeout", type=float, default=30.0, show_default=True, help="Seconds to wait for the answer.")
@connection_options
def reload(timeout: float, redis_url: str | None, data_dir: Path | None, config_dir: Path | None) -> None:
    """Have all services take their configuration up as it is now. One with a mistake changes nothing anywhere."""
    command = Command(command="reload_config", who=who_asks(), source="cli")
    answer = asyncio.run(answered(settings_of(redis_url, data_dir, config_dir), command, timeout))
    if answer["status"] != "completed":
        raise ConfigError(answer["error"])
    click.echo("The services take the configuration up.")


@cli.command()
@click.option("--timeout", type=float, default=5.0, show_default=True, help="Seconds to wait for the answer.")
@connection_options
def ping(timeout: float, redis_url: str | None, data_dir: Path | None, config_dir: Path | None) -> None:
    """See whether a service answers."""
    started = time.perf_counter()
    asyncio.run(answered(settings_of(redis_url, data_dir, config_dir), Command(command="ping", source="cli"), timeout))
    click.echo(f"A service answered after {(time.perf_counter() - started) * 1000:.0f} ms.")

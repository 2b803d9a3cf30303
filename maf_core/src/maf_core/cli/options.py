"""Options that several commands share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
import structlog
from redis.asyncio import Redis

from maf_core.app import load_arenas
from maf_core.arenas.oddity import replaced
from maf_core.channels.unoffered import unoffered
from maf_core.config_folder import ConfigFolder
from maf_core.context import AppContext
from maf_core.plugins import PluginManager, PluginRow, Selection, Status
from maf_core.settings import Settings, load_settings
from maf_core.streams.connect import connect, server_url

log = structlog.get_logger(__name__)

ResultT = TypeVar("ResultT")


def connection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--redis`, `--data` and `--config`."""
    options = [
        click.option("--redis", "redis_url", metavar="URL", help="redis://, rediss://, unix:// or embedded."),
        click.option("--data", "data_dir", type=click.Path(path_type=Path), help="Folder of the embedded server."),
        click.option(
            "--config",
            "config_dir",
            type=click.Path(path_type=Path, file_okay=False, exists=True),
            envvar="MAF_CONFIG_DIR",
            help="Folder with maf.yaml and arenas/*.yaml.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def settings_of(redis_url: str | None, data_dir: Path | None, config_dir: Path | None) -> Settings:
    """The settings after these options."""
    return load_settings(config_dir, redis_url=redis_url, data_dir=data_dir)


@asynccontextmanager
async def redis_of(settings: Settings, port: int | None = None) -> AsyncIterator[Redis]:
    """A connection as the settings say; brings the embedded server up for as long as it is open."""
    opened = server_url(settings.redis_url, settings.data_dir, port, settings.embedded.appendfsync)
    async with opened as url, connect(url) as redis:
        yield redis


def with_redis(
    work: Callable[[Redis], Awaitable[ResultT]],
    redis_url: str | None,
    data_dir: Path | None,
    config_dir: Path | None,
) -> ResultT:
    """Do this with a connection as the connection options say."""

    async def connected() -> ResultT:
        async with redis_of(settings_of(redis_url, data_dir, config_dir)) as redis:
            return await work(redis)

    return asyncio.run(connected())


def _beside(config_dir: Path | None) -> Path | None:
    """The one-file plugins of the config folder, if it has any."""
    folder = config_dir / "plugins" if config_dir else None
    return folder if folder and folder.is_dir() else None


def _say_what_is_odd(row: PluginRow) -> None:
    if not row.fine:
        log.warning(
            "plugin_not_used",
            plugin=row.name,
            distribution=row.distribution,
            status=row.status.value,
            reason=row.reason,
        )
    elif row.status is Status.OK and row.reason:
        event = "plugin_old" if row.old_hooks else "plugin_slow"
        log.warning(event, plugin=row.name, distribution=row.distribution, reason=row.reason)


@asynccontextmanager
async def app_of(
    settings: Settings, config_dir: Path | None, plugins: str | None = None, port: int | None = None
) -> AsyncIterator[AppContext]:
    """The whole application: plugins, arenas and a connection."""
    manager = PluginManager.load(Selection.from_environment(plugins, _beside(config_dir)))
    for row in manager.rows:
        _say_what_is_odd(row)
    config = ConfigFolder.at(config_dir)
    arenas = load_arenas(manager, config_dir)
    for odd in replaced(manager, arenas.values()):
        log.warning("binding_of_replaced_source", arena=odd.arena.name, reason=odd.words)
    for odd in unoffered(manager, arenas):
        log.warning("trigger_watches_unknown_stream", arena=odd.arena.name, reason=odd.words)
    async with redis_of(settings, port) as redis:
        context = AppContext.create(redis, settings, manager, arenas, config)
        try:
            yield context
        finally:
            await context.llm.aclose()
            await asyncio.to_thread(context.tracer.close)

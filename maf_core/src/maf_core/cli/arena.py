"""`maf arena`: list arenas, validate them, run one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
from pydantic_core import to_json

from maf_core.app import check_arena, load_arenas
from maf_core.arenas.config import load_arena
from maf_core.cli.options import connection_options, redis_of, settings_of
from maf_core.errors import MAFError, UnknownNameError
from maf_core.plane.commands import Command, send
from maf_core.plugins import PluginManager
from maf_core.streams import codec
from maf_core.streams.names import CONTROL_OUT
from maf_core.streams.raw import by_stream


@click.group()
def cli() -> None:
    """List arenas and run them."""


@cli.command("list")
@click.option("--config", "config_dir", type=click.Path(path_type=Path, file_okay=False, exists=True))
def list_arenas(config_dir: Path | None) -> None:
    """List the arenas of plugins and of the config folder."""
    for name, arena in load_arenas(PluginManager.load(), config_dir).items():
        click.echo(f"{name}  target: {arena.target_key}  mode: {arena.action_mode}  {arena.summary}")


@cli.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def validate(file: Path) -> None:
    """Check an arena's YAML FILE."""
    arena = load_arena(file)
    check_arena(PluginManager.load(), arena)
    click.echo(f"{file}: arena {arena.name!r} is valid.")


@cli.command()
@click.argument("name")
@click.option("--target", required=True, help="What to decide about, for example a ticker.")
@click.option("--timeout", type=float, default=300.0, show_default=True, help="Seconds to wait for the answer.")
@connection_options
def run(
    name: str,
    target: str,
    timeout: float,
    redis_url: str | None,
    data_dir: Path | None,
    config_dir: Path | None,
) -> None:
    """Ask a running service to run the arena NAME, and print its answer."""
    arenas = load_arenas(PluginManager.load(), config_dir)
    if name not in arenas:
        raise UnknownNameError(f"There is no arena {name!r}; there are {', '.join(arenas) or 'none'}.")
    command = Command(command="run_arena", arena=name, target={arenas[name].target_key: target}, source="cli")

    async def work() -> dict[str, object]:
        async with redis_of(settings_of(redis_url, data_dir, config_dir)) as redis:
            last = "0"
            await send(redis, command)
            while True:
                answer = await redis.xread({CONTROL_OUT: last}, count=500, block=1000)
                for _, found in by_stream(answer):
                    for entry_id, fields in found:
                        last, payload = entry_id, codec.decode(fields)
                        if payload.get("command_id") == command.command_id and payload["status"] != "accepted":
                            return payload

    try:
        answer = asyncio.run(asyncio.wait_for(work(), timeout))
    except TimeoutError:
        raise MAFError(
            f"No service answered within {timeout:g} s. Start one with: maf service run (the command waits for it)"
        ) from None
    click.echo(to_json(answer))
    if answer["status"] != "completed":
        raise SystemExit(1)

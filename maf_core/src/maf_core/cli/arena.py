"""`maf arena`: list arenas, validate them, run one."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import click
from pydantic_core import to_json
from redis.asyncio import Redis

from maf_core.app import load_arenas
from maf_core.checking import load_checked
from maf_core.cli.arena_runs import resume, runs, show_run
from maf_core.cli.options import connection_options, redis_of, settings_of
from maf_core.errors import MAFError, UnknownNameError
from maf_core.plane.commands import Command, send
from maf_core.plugins import PluginManager
from maf_core.streams import codec
from maf_core.streams.names import CONTROL_OUT
from maf_core.streams.raw import by_stream, entries

# An answer comes within milliseconds where a service runs; whoever waits longer wants to know why.
_SILENCE_SECONDS = 3.0


@click.group()
def cli() -> None:
    """List arenas and run them."""


cli.add_command(runs)
cli.add_command(show_run)
cli.add_command(resume)


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
    arena = load_checked(PluginManager.load(), file)
    click.echo(f"{file}: arena {arena.name!r} is valid.")


@cli.command()
def schema() -> None:
    """Print the JSON Schema of an arena's YAML, for editors."""
    from maf_core.arenas.schema import arena_schema

    click.echo(json.dumps(arena_schema(), indent=2, ensure_ascii=False))


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

    async def work() -> dict[str, Any]:
        async with redis_of(settings_of(redis_url, data_dir, config_dir)) as redis:
            return await _answered(redis, command, timeout)

    answer = asyncio.run(work())
    click.echo(to_json(answer))
    if answer["status"] != "completed":
        raise SystemExit(1)


async def _answered(redis: Redis, command: Command, patience_s: float) -> dict[str, Any]:
    """Send the command, and wait for the answer that ends it."""
    newest = entries(await redis.xrevrange(CONTROL_OUT, count=1))
    last = newest[0][0] if newest else "0"
    await send(redis, command)
    started, told = time.monotonic(), False
    while time.monotonic() - started < patience_s:
        answer = await redis.xread({CONTROL_OUT: last}, count=500, block=500)
        for _, found in by_stream(answer):
            for entry_id, fields in found:
                last, payload = entry_id, codec.decode(fields)
                if payload.get("command_id") == command.command_id and payload["status"] != "accepted":
                    return payload
        if not told and time.monotonic() - started > _SILENCE_SECONDS:
            click.echo("Waiting for a service to answer; start one with: maf service run", err=True)
            told = True
    raise MAFError(
        f"No service answered within {patience_s:g} s. Start one with: maf service run (the command waits for it)"
    )

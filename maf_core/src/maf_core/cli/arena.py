"""`maf arena`: list arenas, validate them, run one."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path

import click

from maf_core.app import load_arenas
from maf_core.arenas.config import ArenaConfig, read_arena
from maf_core.arenas.oddity import replaced
from maf_core.channels.unoffered import unoffered
from maf_core.checking import load_checked
from maf_core.cli import payloads
from maf_core.cli.arena_runs import resume, runs, show_run
from maf_core.cli.arena_show import show
from maf_core.cli.asking import answered
from maf_core.cli.options import connection_options, settings_of
from maf_core.cli.person import who_asks
from maf_core.errors import ConfigError, MAFError, UnknownNameError
from maf_core.plane.commands import Command
from maf_core.plugins import PluginManager


@click.group()
def cli() -> None:
    """List arenas and run them."""


cli.add_command(runs)
cli.add_command(show)
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
    plugins = PluginManager.load()
    arena = load_checked(plugins, file)
    for odd in (*replaced(plugins, [arena]), *unoffered(plugins, {**_beside(file), arena.name: arena})):
        if odd.arena is arena:
            click.echo(str(odd), err=True)
    click.echo(f"{file}: arena {arena.name!r} is valid.")


def _beside(file: Path) -> dict[str, ArenaConfig]:
    """The other arenas in the folder of a file, as far as they can be read."""
    found: dict[str, ArenaConfig] = {}
    for path in file.parent.glob("*.yaml"):
        with suppress(ConfigError):
            arena, mistakes, _ = read_arena(path)
            if arena is not None and not mistakes:
                found[arena.name] = arena
    return found


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

    answer = asyncio.run(answered(settings_of(redis_url, data_dir, config_dir), command, timeout))
    click.echo(payloads.as_json(answer, indent=None))
    if answer["status"] != "completed":
        raise SystemExit(1)


@cli.command()
@click.argument("run", metavar="RUN")
@click.option("--why", default="", help="Told in the run's record and to whoever asked for it.")
@click.option("--timeout", type=float, default=30.0, show_default=True, help="Seconds to wait for the answer.")
@connection_options
def cancel(
    run: str, why: str, timeout: float, redis_url: str | None, data_dir: Path | None, config_dir: Path | None
) -> None:
    """End RUN now: a run's id, or the id of the command that it came of. Nothing is published of it."""
    command = Command(command="cancel_run", arena_id=run, who=who_asks(), why=why, source="cli")
    answer = asyncio.run(answered(settings_of(redis_url, data_dir, config_dir), command, timeout))
    if answer["status"] != "completed":
        raise MAFError(answer["error"])
    click.echo(f"{answer['arena_id']}: cancelled")

"""`maf arena show`: an arena at a glance, with how fresh its inputs are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from redis.asyncio import Redis

from maf_core.app import load_arenas
from maf_core.arenas.config import ArenaConfig
from maf_core.cli import payloads
from maf_core.cli.options import connection_options, with_redis
from maf_core.cli.tables import listed, plain, table
from maf_core.errors import UnknownNameError
from maf_core.logs import configure
from maf_core.plugins import PluginManager
from maf_core.sources.badges import Badge, badges


@click.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@connection_options
def show(name: str, as_json: bool, config_dir: Path | None, **where: Any) -> None:
    """Show the arena NAME: its sources and how fresh each is, its phases, its triggers."""
    configure("warning")
    plugins = PluginManager.load()
    arenas = load_arenas(plugins, config_dir)
    arena = arenas.get(name)
    if arena is None:
        raise UnknownNameError(f"There is no arena {name!r}; there are {', '.join(arenas) or 'none'}.")
    bound = {binding: (config.source, config.config) for binding, config in arena.sources.items()}

    async def look(redis: Redis) -> list[Badge]:
        return await badges(redis, plugins, bound)

    found = with_redis(look, config_dir=config_dir, **where)
    if as_json:
        sources = [one.as_json() for one in found]
        click.echo(payloads.as_json({"arena": arena.model_dump(mode="json"), "sources": sources}))
        return
    click.echo("\n\n".join(_parts(arena, found)))


def _parts(arena: ArenaConfig, found: list[Badge]) -> list[str]:
    head = f"{arena.name}: {plain(arena.summary)}\ntarget {arena.target_key}, mode {arena.action_mode}"
    sources = [(one.binding, one.source, str(one)) for one in found]
    phases = [(phase.name, phase.pattern, listed(agent.name for agent in phase.agents)) for phase in arena.phases]
    triggers = [(rule.id, rule.on_stream, rule.when) for rule in arena.triggers]
    return [
        head,
        table(("SOURCE", "READS", "FRESHNESS"), *sources) if sources else "It reads no source.",
        table(("PHASE", "PATTERN", "AGENTS"), *phases),
        table(("TRIGGER", "STREAM", "WHEN"), *triggers) if triggers else "No trigger sets it off.",
    ]

"""`maf memory`: what arenas remember, and what a run would recall."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from maf_core.arenas.config import ArenaConfig, MemoryConfig
from maf_core.cli import payloads
from maf_core.cli.options import app_of, connection_options, settings_of
from maf_core.cli.tables import table
from maf_core.clock import parse_time
from maf_core.errors import BadEntryError, UnknownNameError, UsageError
from maf_core.logs import configure
from maf_core.memory.backends import backend_of
from maf_core.memory.base import MemoryQuery, Recalled
from maf_core.memory.situation import one_line, situation
from maf_core.records import MemoryBackendSpec
from maf_core.settings import Settings

if TYPE_CHECKING:
    from maf_core.context import AppContext

Ask = Callable[[ArenaConfig, MemoryConfig, datetime], MemoryQuery]

_LIMIT = 5  # for an arena that only remembers
_HEADING = ("SCORE", "DECIDED", "TARGET", "VERDICT", "WHAT CAME OF IT", "RUN")


@click.group()
def cli() -> None:
    """See what arenas remember, and what came of it."""


@cli.command("list")
@click.argument("arena")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="Print an array of objects.")
@connection_options
def list_memories(
    arena: str,
    limit: int,
    as_json: bool,
    redis_url: str | None,
    data_dir: Path | None,
    config_dir: Path | None,
) -> None:
    """List what ARENA decided and what came of it, the newest first."""

    def everything(config: ArenaConfig, _: MemoryConfig, now: datetime) -> MemoryQuery:
        return MemoryQuery(config.name, {}, "", now, limit)

    found = asyncio.run(_recalled(settings_of(redis_url, data_dir, config_dir), config_dir, arena, everything))
    _show(found, as_json=as_json, empty=f"Arena {arena!r} remembers nothing yet.")


@cli.command()
@click.argument("arena")
@click.option("--target", required=True, help="What to decide about, for example a ticker.")
@click.option("--text", default="", help="More words of the situation, for example: technical BULLISH strong.")
@click.option("--as-of", "as_of", metavar="TIME", help="As known before this moment, ISO-8601 (default: now).")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many (default: the arena's memory.recall).")
@click.option("--json", "as_json", is_flag=True, help="Print an array of objects.")
@connection_options
def recall(
    arena: str,
    target: str,
    text: str,
    as_of: str | None,
    limit: int | None,
    as_json: bool,
    redis_url: str | None,
    data_dir: Path | None,
    config_dir: Path | None,
) -> None:
    """Recall what ARENA decided in like situations, the most alike first, as a run would."""
    moment = moment_of(as_of) if as_of else None

    def alike(config: ArenaConfig, memory: MemoryConfig, now: datetime) -> MemoryQuery:
        about = {config.target_key: target}
        words = "\n".join(filter(None, (situation({"target": about}), text)))
        return MemoryQuery(config.name, about, words, moment or now, limit or memory.recall or _LIMIT)

    found = asyncio.run(_recalled(settings_of(redis_url, data_dir, config_dir), config_dir, arena, alike))
    _show(found, as_json=as_json, empty=f"Arena {arena!r} had decided nothing before then.", scores=True)


async def _recalled(settings: Settings, config_dir: Path | None, name: str, ask: Ask) -> list[Recalled]:
    configure("warning")
    async with app_of(settings, config_dir) as context:
        arena, memory = _remembering(context, name)
        return await backend_of(context, memory.backend).recall(ask(arena, memory, await context.clock.now()))


def _remembering(context: AppContext, name: str) -> tuple[ArenaConfig, MemoryConfig]:
    arena = context.arenas.get(name)
    if arena is None:
        raise UnknownNameError(f"There is no arena {name!r}; there are {', '.join(context.arenas) or 'none'}.")
    if arena.memory is None:
        backends = ", ".join(context.plugins.records("maf_memory_backends", MemoryBackendSpec))
        offered = backends or "none; pip install maf-plugin-mastermind brings one"
        raise UsageError(
            f"Arena {name!r} has no memory. Give it one in its YAML, memory: {{backend: NAME}}; there are: {offered}."
        )
    return arena, arena.memory


def moment_of(text: str) -> datetime:
    """The moment that `--as-of` names; `UsageError` when it is none."""
    try:
        return parse_time(text)
    except BadEntryError as error:
        raise UsageError(f"--as-of: {error}, such as 2024-03-01T21:00:00Z.") from error


def _show(found: list[Recalled], *, as_json: bool, empty: str, scores: bool = False) -> None:
    if as_json:
        click.echo(payloads.as_json([one.payload() for one in found]))
    elif found:
        rows = [_HEADING, *map(_cells, found)]
        click.echo(table(*(row if scores else row[1:] for row in rows)))
    else:
        click.echo(empty)


def _cells(recalled: Recalled) -> tuple[str, ...]:
    memory = recalled.memory
    about = " ".join(str(value) for key, value in sorted(memory.target.items()) if key != "trade_date")
    return (
        f"{recalled.score:.3f}",
        f"{memory.as_of:%Y-%m-%d %H:%M}",
        one_line(about, 40),
        f"{one_line(memory.verdict, 20)} {memory.confidence:.2f}",
        one_line(memory.outcome.text, 120) if memory.outcome else "nothing yet",
        one_line(memory.arena_id, 300),
    )

"""`maf channels dead`: what was given up, by whom and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click
from redis.asyncio import Redis

from maf_core.cli.options import connection_options, with_redis
from maf_core.cli.payloads import as_json, readable
from maf_core.cli.tables import cut, duration, plain, table
from maf_core.errors import BadEntryError
from maf_core.streams import codec
from maf_core.streams.dead import Letter, find, letters, newest
from maf_core.streams.ids import order
from maf_core.streams.redrive import Followed, follow

_REASON = 100


@click.group()
def dead() -> None:
    """See what was given up and why, and give it back."""


def chosen(command: Callable[..., None]) -> Callable[..., None]:
    """`--stream` and `--group`."""
    group = click.option("--group", metavar="G", help="Only what this group gave up.")
    return click.option("--stream", metavar="S", help="Only entries of this stream.")(group(command))


@dead.command("list")
@chosen
@click.option("--last", metavar="N", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
@click.option("--json", "json_wanted", is_flag=True, help="Print an array of objects.")
@connection_options
def list_dead(stream: str | None, group: str | None, last: int, json_wanted: bool, **where: Any) -> None:
    """List the newest dead letters, and what became of those that were re-driven."""

    async def work(redis: Redis) -> list[Followed]:
        return await follow(redis, await newest(redis, last, stream, group))

    found = with_redis(work, **where)
    if json_wanted:
        click.echo(as_json([_facts(one) for one in found]))
    elif found:
        click.echo(table(("LETTER", "DIED", "GROUP", "STREAM", "FATE", "REDRIVEN", "REASON"), *map(_cells, found)))
    else:
        click.echo("Nothing was given up.")


@dead.command()
@click.argument("letter_id")
@click.option("--json", "json_wanted", is_flag=True, help="Print one JSON object.")
@connection_options
def show(letter_id: str, json_wanted: bool, **where: Any) -> None:
    """Show one letter with what the entry holds."""

    async def work(redis: Redis) -> Followed:
        letter = await find(redis, letter_id)
        return (await follow(redis, [letter], await _later(redis, letter)))[0]

    found = with_redis(work, **where)
    facts, content = _facts(found), _content(found.letter)
    if json_wanted:
        click.echo(as_json({**facts, **content}))
        return
    for name, value in facts.items():
        if value not in (None, ""):
            click.echo(f"{name:12}{plain(str(value))}")
    click.echo(readable(content.get("payload", content.get("fields"))))


async def _later(redis: Redis, letter: Letter) -> list[Letter]:
    """The letters after this one about the same entry and group."""
    found = []
    async for one in letters(redis, letter.stream, letter.group):
        if order(one.id) <= order(letter.id):
            break
        found.append(one)
    return [one for one in found if one.about == letter.about]


def _cells(found: Followed) -> tuple[str, ...]:
    letter, now = found.letter, datetime.now(UTC)
    redriven = _ago(found.redriven_at, now) if found.redriven_at else "-"
    reason = cut(letter.fault or letter.reason, _REASON)
    return letter.id, _ago(letter.died_at, now), letter.group, letter.stream, found.fate, redriven, reason


def _ago(moment: datetime, now: datetime) -> str:
    return f"{duration(max(0.0, (now - moment).total_seconds()))} ago"


def _facts(found: Followed) -> dict[str, Any]:
    letter = found.letter
    names = ("id", "died_at", "stream", "entry_id", "group", "deliveries", "reason", "fault")
    fate = {"fate": found.fate, "redriven_at": found.redriven_at, "added_as": found.added_as}
    return {**{name: getattr(letter, name) for name in names}, **fate}


def _content(letter: Letter) -> dict[str, Any]:
    """What the entry holds: its payload, or its fields as text when they are none."""
    try:
        return {"payload": codec.decode(letter.fields)}
    except BadEntryError:
        fields = {name.decode(errors="backslashreplace"): value for name, value in letter.fields.items()}
        return {"fields": {name: value.decode(errors="backslashreplace") for name, value in fields.items()}}

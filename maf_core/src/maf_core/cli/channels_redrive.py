"""`maf channels dead redrive`: give back what was given up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import click
from redis.asyncio import Redis

from maf_core.cli.channels_dead import chosen
from maf_core.cli.options import connection_options, with_redis
from maf_core.cli.payloads import as_json
from maf_core.cli.tables import plain
from maf_core.streams.dead import find, letters
from maf_core.streams.redrive import Redrive, redrive
from maf_core.streams.standing import standings

_TOLD = {
    "already": "was re-driven before. What became of it: maf channels dead show {id}",
    "pending": "a consumer of {group} still holds {entry} of {stream}. Try again when it has let go.",
    "undelivered": "{group} has yet to be given {entry} of {stream}. There is nothing to do.",
    "gone": "{entry} has left {stream}. Add it again, for all groups of that stream: --as-new",
    "lost": "{entry} has left {stream}, and the letter does not hold all of it: it cannot be added again.",
    "no_group": "there is no group {group} on {stream}. Start the service that has it, then try again.",
    "unreadable": "{fault}",
}
_NOT_DONE = ("pending", "gone", "lost", "no_group", "unreadable")


@click.command("redrive")
@click.argument("letter_ids", metavar="[LETTER]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that was not re-driven yet.")
@chosen
@click.option("--as-new", is_flag=True, help="Add entries that have left their stream again, for all its groups.")
@click.option("--json", "json_wanted", is_flag=True, help="Print an array of objects.")
@connection_options
def redrive_dead(
    letter_ids: tuple[str, ...],
    everything: bool,
    stream: str | None,
    group: str | None,
    as_new: bool,
    json_wanted: bool,
    **where: Any,
) -> None:
    """Give entries back to the group that gave them up, each once, however often this is repeated.

    Other groups of the stream do not see them again. Exits 1 when one could not be given back.
    """
    if bool(letter_ids) == everything:
        raise click.UsageError("name letters, as `maf channels dead list` shows them, or use --all.")
    if letter_ids and (stream or group):
        raise click.UsageError("--stream and --group choose among --all; leave them out where letters are named.")

    async def work(redis: Redis) -> tuple[list[Redrive], list[str]]:
        found = [await find(redis, letter_id) for letter_id in letter_ids]  # all are there, or nothing is done
        done = [await redrive(redis, letter, as_new=as_new) for letter in found]
        if everything:
            every = letters(redis, stream, group, oldest_first=True)
            tried = [await redrive(redis, letter, as_new=as_new) async for letter in every]
            done = [one for one in tried if one.answer != "already"]
        return done, await _unattended(redis, done)

    done, unattended = with_redis(work, **where)
    if json_wanted:
        click.echo(as_json([{"id": one.letter.id, "answer": one.answer, "added_as": one.added_as} for one in done]))
    else:
        click.echo("\n".join([*map(_told, done), *_summed_up(done, unattended)]))
    if any(one.answer in _NOT_DONE for one in done):
        raise SystemExit(1)


async def _unattended(redis: Redis, done: list[Redrive]) -> list[str]:
    """The groups that were given something back, and that nobody consumes for at the moment."""
    given = {(one.letter.stream, one.letter.group) for one in done if one.answer == "redriven"}
    found = await standings(redis, {stream for stream, _ in given})
    return sorted(
        {
            group.group
            for one in found
            for group in one.groups
            if (one.stream, group.group) in given and not group.attended
        }
    )


def _told(done: Redrive) -> str:
    letter = done.letter
    if done.answer != "redriven":
        words = {"id": letter.id, "group": letter.group, "entry": letter.entry_id, "stream": letter.stream}
        said = _TOLD[done.answer].format(**words, fault=letter.fault)
    elif done.added_as:
        said = f"added to {letter.stream} anew as {done.added_as}, for all its groups"
    else:
        said = f"given back to {letter.group} as {letter.entry_id} of {letter.stream}"
    return plain(f"{letter.id}: {said}")


def _summed_up(done: list[Redrive], unattended: list[str]) -> Iterator[str]:
    counts = Counter(one.answer == "redriven" for one in done)
    yield f"{counts[True]} re-driven, {counts[False]} not." if done else "There is nothing to re-drive."
    if unattended:
        yield plain(f"Nobody consumes for {', '.join(unattended)} now; they wait until somebody does: maf service run")

"""`maf channels preview` and `maf channels schema`: what is on a stream."""

from __future__ import annotations

from typing import Any

import click
from redis.asyncio import Redis

from maf_core.channels import Key, Preview, Previewed, infer_schema, preview_stream, shortened
from maf_core.cli.options import connection_options, with_redis
from maf_core.cli.payloads import as_json, brief, readable
from maf_core.cli.tables import cut, listed, plain, table
from maf_core.errors import UnknownNameError

# Characters, items: what fits a terminal.
_MOST = 300
_SAMPLE = 40


@click.command()
@click.argument("stream")
@click.option("--count", metavar="N", type=click.IntRange(1, 1000), default=5, show_default=True)
@click.option("--json", "json_wanted", is_flag=True, help="Print one JSON object, with nothing cut.")
@connection_options
def preview(stream: str, count: int, json_wanted: bool, **where: Any) -> None:
    """Show the newest entries of STREAM, the newest first; long values are cut."""
    found = _preview(stream, count, **where)
    if json_wanted:
        click.echo(as_json(found))
        return
    click.echo("\n".join(map(_described, found.entries)) or plain(f"There is no entry on {stream}."))


@click.command()
@click.argument("stream")
@click.option("--count", metavar="N", type=click.IntRange(1, 10_000), default=200, show_default=True, help="Sample.")
@click.option("--json", "json_wanted", is_flag=True, help="Print one JSON object.")
@connection_options
def schema(stream: str, count: int, json_wanted: bool, **where: Any) -> None:
    """Say what the newest entries of STREAM look like: keys, types, how often each is there."""
    found = _preview(stream, count, **where)
    payloads = found.payloads
    keys = infer_schema(payloads)
    if json_wanted:
        click.echo(as_json({"stream": stream, "entries": len(found.entries), "decoded": len(payloads), "keys": keys}))
        return
    if not found.entries:
        click.echo(plain(f"There is no entry on {stream}."))
        return
    click.echo(table(("KEY", "TYPES", "IN", "SAMPLES"), *(_key_cells(key, len(payloads)) for key in keys)))
    if len(payloads) < len(found.entries):
        click.echo(f"{len(found.entries) - len(payloads)} of {len(found.entries)} entries could not be decoded.")


def _preview(stream: str, count: int, **where: Any) -> Preview:
    async def work(redis: Redis) -> Preview:
        return await preview_stream(redis, stream, count)

    found = with_redis(work, **where)
    if found.fault:
        raise UnknownNameError(plain(f"{found.fault}. See what there is: maf channels list"))
    return found


def _described(entry: Previewed) -> str:
    bad = f"  cannot be decoded: {plain(entry.fault)}" if entry.fault else ""
    content = entry.fields if entry.payload is None else entry.payload
    return f"{entry.id}  {entry.written_at.isoformat(timespec='seconds')}{bad}\n{readable(shortened(content, _MOST))}"


def _key_cells(key: Key, entries: int) -> tuple[str, ...]:
    share = f"{100 * key.present / entries:.0f} %"
    return cut(key.key, _SAMPLE), listed(key.types), share, listed(cut(brief(each), _SAMPLE) for each in key.samples)

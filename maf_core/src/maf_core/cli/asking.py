"""Send a command to a running service, and wait for the answer that ends it."""

from __future__ import annotations

import time
from typing import Any

import click
from redis.asyncio import Redis

from maf_core.cli.options import redis_of
from maf_core.errors import BadEntryError, MAFError
from maf_core.plane.commands import Command, send
from maf_core.settings import Settings
from maf_core.streams import codec
from maf_core.streams.names import CONTROL_OUT
from maf_core.streams.raw import RawFields, by_stream, entries

# An answer comes within milliseconds where a service runs; whoever waits longer wants to know why.
_SILENCE_SECONDS = 3.0


async def answered(settings: Settings, command: Command, patience_s: float) -> dict[str, Any]:
    """The answer, on a connection as the settings say. Raises `MAFError` when no service answers in time."""
    async with redis_of(settings) as redis:
        return await _answered(redis, command, patience_s)


async def _answered(redis: Redis, command: Command, patience_s: float) -> dict[str, Any]:
    newest = entries(await redis.xrevrange(CONTROL_OUT, count=1))
    last = newest[0][0] if newest else "0"
    await send(redis, command)
    started, told = time.monotonic(), False
    while time.monotonic() - started < patience_s:
        answer = await redis.xread({CONTROL_OUT: last}, count=500, block=500)
        for _, found in by_stream(answer):
            for entry_id, fields in found:
                last, payload = entry_id, _readable(fields)
                if payload.get("command_id") == command.command_id and payload.get("status") != "accepted":
                    return payload
        if not told and time.monotonic() - started > _SILENCE_SECONDS:
            click.echo("Waiting for a service to answer; start one with: maf service run", err=True)
            told = True
    raise MAFError(
        f"No service answered within {patience_s:g} s. Start one with: maf service run (the command waits for it)"
    )


def _readable(fields: RawFields) -> dict[str, Any]:
    try:
        return codec.decode(fields)
    except BadEntryError:  # others can write to the stream too
        return {}

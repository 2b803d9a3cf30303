"""`maf arena runs`, `show-run` and `resume`: what became of runs, and taking up one that was left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from pydantic_core import from_json, to_json
from redis.asyncio import Redis

from maf_core.agents.quoting import clean
from maf_core.arenas.record import RunHead, RunRecord
from maf_core.arenas.state import section
from maf_core.arenas.store import RunStore
from maf_core.cli import payloads
from maf_core.cli.options import app_of, connection_options, redis_of, settings_of
from maf_core.context import AppContext
from maf_core.errors import UnknownNameError, UsageError
from maf_core.settings import Settings

_WORDS = 300


@click.command()
@click.option("--arena", help="Only runs of this arena.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many, the newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@connection_options
def runs(
    arena: str | None,
    limit: int,
    as_json: bool,
    redis_url: str | None,
    data_dir: Path | None,
    config_dir: Path | None,
) -> None:
    """List runs, the newest first."""
    settings = settings_of(redis_url, data_dir, config_dir)

    async def work() -> list[RunHead]:
        async with redis_of(settings) as redis:
            return await _store(redis, settings).recent(arena, limit)

    found = asyncio.run(work())
    if as_json:
        click.echo(payloads.as_json([_row(head) for head in found]))
        return
    for head in found:
        click.echo("  ".join(_line(head)))


@click.command("show-run")
@click.argument("arena_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--answers", is_flag=True, help="Also what models and sources answered.")
@connection_options
def show_run(
    arena_id: str,
    as_json: bool,
    answers: bool,
    redis_url: str | None,
    data_dir: Path | None,
    config_dir: Path | None,
) -> None:
    """Show the run ID: what was asked, how far it came, and what came of it."""
    settings = settings_of(redis_url, data_dir, config_dir)

    async def work() -> RunRecord | None:
        async with redis_of(settings) as redis:
            return await _store(redis, settings).read(arena_id)

    record = asyncio.run(work())
    if record is None:
        raise _unknown(arena_id)
    given = sorted(map(from_json, record.answers.values()), key=lambda answer: str(answer["at"]))
    if as_json:
        more = {"answers": given} if answers else {}
        click.echo(payloads.as_json({**_row(record.head), "state": record.state, **more}))
        return
    for line in _report(record, len(given)):
        click.echo(line)
    for one in given if answers else ():
        click.echo(f"{one['at']}  {one['kind']}  {_short(one['about'])}\n    {_short(one['answer'])}")


@click.command()
@click.argument("arena_id", metavar="ID")
@connection_options
def resume(arena_id: str, redis_url: str | None, data_dir: Path | None, config_dir: Path | None) -> None:
    """Carry the run ID on, here and now, from where it was left.

    For a run whose service is gone. A service that is still at it notices, and leaves it to this command.
    """
    settings = settings_of(redis_url, data_dir, config_dir)

    async def work() -> dict[str, Any]:
        async with app_of(settings, config_dir) as context:
            return await _resumed(context, await _left_behind(context, arena_id))

    done = asyncio.run(work())
    click.echo(payloads.as_json(done, indent=None))
    if done["status"] != "completed":
        raise SystemExit(1)


async def _left_behind(context: AppContext, arena_id: str) -> RunHead:
    head = await _store(context.redis, context.settings).head(arena_id)
    if head is None:
        raise _unknown(arena_id)
    if head.status != "running":
        raise UsageError(
            f"Run {arena_id} is over: it {_ended(head)}. See what came of it: maf arena show-run {arena_id}"
        )
    if head.arena not in context.arenas:
        known = ", ".join(context.arenas) or "none"
        raise UnknownNameError(f"Run {arena_id} is of the arena {head.arena!r}, and here there are {known}.")
    return head


async def _resumed(context: AppContext, head: RunHead) -> dict[str, Any]:
    """Do as a service would: run, publish, and answer whoever asked."""
    from maf_core.app import MAFApp
    from maf_core.plane.answers import Answers, AnswerStatus

    bus = asyncio.create_task(context.events.run())
    try:
        run = await MAFApp(context).run(head.request)
        status: AnswerStatus = "failed" if run.error else "completed"
        await Answers(context.redis).finish(head.command_id, status, run.arena_id, run.error)
    finally:
        context.events.close()
        await bus
    told = {key: run.state.get(f"synthesis_{key}") for key in ("verdict", "confidence", "reasoning")}
    return {"arena_id": run.arena_id, "status": run.status, "error": run.error, **told}


def _store(redis: Redis, settings: Settings) -> RunStore:
    return RunStore(redis, settings.run_retention_s, settings.run_keep)


def _unknown(arena_id: str) -> UnknownNameError:
    return UnknownNameError(f"There is no run {arena_id!r}. Those that are kept are listed by: maf arena runs")


def _row(head: RunHead) -> dict[str, Any]:
    return {"arena_id": head.request.arena_id, **head.model_dump(mode="json", exclude={"keys"})}


def _line(head: RunHead) -> Iterator[str]:
    yield head.created_at.isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")
    yield f"{head.status:9}"
    yield head.arena
    yield " ".join(f"{key}={value}" for key, value in head.target.items())
    yield f"at {head.next_phase or 'its first phase'}" if head.status == "running" else f"{head.seconds:.2f} s"
    yield head.request.arena_id


def _report(record: RunRecord, answers: int) -> Iterator[str]:
    head, state = record.head, record.state
    yield f"{head.request.arena_id}: {_ended(head)}"
    yield f"target: {' '.join(f'{key}={value}' for key, value in head.target.items())}, as of {head.as_of.isoformat()}"
    yield f"begun {head.created_at.isoformat(timespec='seconds')}, {head.seconds:.2f} s at work, {answers} answers kept"
    if "synthesis_verdict" in state:
        yield f"verdict: {state['synthesis_verdict']}, confidence {state.get('synthesis_confidence')}"
        yield f"    {_short(state.get('synthesis_reasoning', ''))}"
    for timing in state.get("phase_timings", ()):
        yield f"phase {timing['phase']}: {timing['seconds']:.3f} s"
    for agent, why in section(state, "abstentions").items():
        if why:
            yield f"{agent} abstained: {_short(why)}"
    usage: Mapping[str, Any] = section(state, "llm")
    if usage.get("calls"):
        yield f"models: {usage['calls']} calls, {usage['tokens_in']} + {usage['tokens_out']} tokens, {usage['usd']} USD"


def _ended(head: RunHead) -> str:
    if head.status == "running":
        return f"is running, {head.phases} phases are finished, next is {head.next_phase or 'the first'}"
    why = head.error or head.stopped
    return f"{'was ' if head.status == 'cancelled' else ''}{head.status}{f' ({why})' if why else ''}"


def _short(value: Any) -> str:
    """What others may have written, on a line of a terminal."""
    return clean(value if isinstance(value, str) else to_json(value).decode(), _WORDS).replace("\n", " ")

"""`maf actions`: what waits for a person, and what the risk gate made of the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click
from redis.asyncio import Redis

from maf_core.cli import payloads
from maf_core.cli.options import connection_options, with_redis
from maf_core.cli.person import who_asks
from maf_core.cli.tables import table
from maf_core.errors import MAFError, UnknownNameError
from maf_core.outbox.approvals import Decision, Said, ask
from maf_core.outbox.ledger import open_positions
from maf_core.outbox.models import ExecutionEnvelope
from maf_core.outbox.pending import final, find, last_executions, outcome_of, pending, why_not
from maf_core.streams.names import OUTCOMES
from maf_core.streams.publish import publish

_POLL_SECONDS = 0.05


@click.group()
def cli() -> None:
    """Approve or reject what waits for a person, and see what became of the rest."""


@cli.command("list")
@click.option("--last", metavar="N", type=click.IntRange(min=1), help="The last N decided ones instead.")
@click.option("--json", "as_json", is_flag=True, help="Print an array of objects.")
@connection_options
def list_actions(last: int | None, as_json: bool, **where: Any) -> None:
    """List the actions that wait for approval, what expires first at the front."""
    found = with_redis(lambda redis: last_executions(redis, last) if last else pending(redis), **where)
    if as_json:
        click.echo(payloads.as_json(found))
    elif found:
        click.echo(table(("ACTION", "WHAT", "SIZE", "CONFIDENCE", "STATUS", ""), *map(_cells, found)))
    else:
        click.echo("Nothing was decided yet." if last else "Nothing waits for approval.")


@cli.command()
@click.argument("action_id")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@connection_options
def show(action_id: str, as_json: bool, **where: Any) -> None:
    """Show one action with every check: as it waits, or as it was decided."""

    async def work(redis: Redis) -> ExecutionEnvelope:
        found = await find(redis, action_id) or await final(redis, action_id)
        if found is None:
            raise UnknownNameError(await why_not(redis, action_id))
        return found

    found = with_redis(work, **where)
    click.echo(payloads.as_json(found) if as_json else _described(found))


def _deciding(command: Callable[..., None]) -> Callable[..., None]:
    """The arguments and options of a command that decides."""
    parts = [
        click.argument("action_id"),
        click.option("--who", default=who_asks, show_default="user@host", help="Whose word it is."),
        click.option("--timeout", default=10.0, show_default=True, help="Seconds to wait for a service to do it."),
    ]
    for part in reversed(parts):
        command = part(command)
    return connection_options(command)


@cli.command()
@_deciding
@click.option("--why", default="", help="The reason; the execution keeps it.")
def approve(action_id: str, why: str, who: str, timeout: float, **where: Any) -> None:
    """Approve an action. A service judges it once more, as things are now, and then it goes out."""
    execution = _decide(action_id, "approve", who, why, timeout, **where)
    click.echo(_described(execution))
    if execution.status != "approved":
        raise SystemExit(1)


@cli.command()
@_deciding
@click.option("--why", required=True, help="The reason; the execution keeps it.")
def reject(action_id: str, why: str, who: str, timeout: float, **where: Any) -> None:
    """Reject an action: it will never go out."""
    click.echo(_described(_decide(action_id, "reject", who, why, timeout, **where)))


@cli.command()
@click.argument("action_id")
@click.option("--why", required=True, help="The reason.")
@click.option("--who", default=who_asks, show_default="user@host", help="Whose word it is.")
@connection_options
def release(action_id: str, why: str, who: str, **where: Any) -> None:
    """Count a position no longer as open, when its engine never told of its end. `maf trading-state` lists them."""

    async def work(redis: Redis) -> None:
        held = {position.arena_id: position for position in await open_positions(redis)}
        if action_id not in held:
            raise UnknownNameError(f"No action {action_id} holds a position. See those that do: maf trading-state")
        outcome = {"kind": "dropped", "arena": held[action_id].arena, "arena_id": action_id}
        outcome |= {"ticker": held[action_id].ticker, "reason": f"released by {who}: {why}"}
        await publish(redis, OUTCOMES, {**outcome, "published_at": datetime.now(UTC).isoformat()})

    with_redis(work, **where)
    click.echo(f"Released {action_id}. The service counts it no longer.")


def _decide(action_id: str, said: Said, who: str, why: str, timeout: float, **where: Any) -> ExecutionEnvelope:
    """Hand the decision over and wait until the action has its final execution, from whomever."""

    async def work(redis: Redis) -> ExecutionEnvelope:
        await ask(redis, Decision(action_id=action_id, said=said, who=who, why=why))
        async with asyncio.timeout(timeout):
            while True:
                found = await final(redis, action_id)
                if found is not None:
                    return found
                await asyncio.sleep(_POLL_SECONDS)

    try:
        return with_redis(work, **where)
    except TimeoutError:
        raise MAFError(
            f"No service has taken it up within {timeout:g} s. The decision is kept, and counts when one runs before "
            "the action expires: maf service run"
        ) from None


def _cells(execution: ExecutionEnvelope) -> tuple[str, ...]:
    action = execution.action
    what = f"{action.verdict} {action.target.ticker}"
    until = execution.expires_at
    more = f"expires {until.isoformat(timespec='seconds')}" if until else outcome_of(execution)
    sizing = action.sizing
    return action.arena_id, what, f"{sizing.size_fraction:.3f}", f"{sizing.confidence:.2f}", execution.status, more


def _described(execution: ExecutionEnvelope) -> str:
    action, sizing = execution.action, execution.action.sizing
    what = f"{execution.status}: {action.verdict} {action.target.ticker}, size {sizing.size_fraction:.3f}"
    by = f"decided {action.as_of.isoformat()} by {action.arena}, confidence {sizing.confidence:.2f}"
    approved = f"approved by {execution.approved_by}, for {execution.engine}" if execution.approved_by else ""
    expires = f"expires {execution.expires_at.isoformat()}" if execution.expires_at else ""
    rows = [(check.name, check.result, check.reason) for check in execution.checks]
    checks = table(("CHECK", "RESULT", "REASON"), *rows)
    return "\n".join(filter(None, [what, by, approved, expires, action.reasoning, checks]))

"""Cancel a run, wherever it is and however far it has come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maf_core.arenas.record import RunHead
from maf_core.arenas.run import RunRequest
from maf_core.arenas.store import RunStore
from maf_core.control.requests import request_of
from maf_core.errors import ActionError, BadEntryError
from maf_core.plane.answers import Answers, Claim
from maf_core.plane.commands import Command
from maf_core.plane.firing import COOLED
from maf_core.streams import codec
from maf_core.streams.names import CONTROL_IN, beside
from maf_core.streams.raw import entries

if TYPE_CHECKING:
    from maf_core.app import MAFApp


class Canceller:
    """Carries `cancel_run` out."""

    def __init__(self, app: MAFApp, answers: Answers) -> None:
        self._app = app
        self._answers = answers
        self._context = app.context
        settings = app.context.settings
        self._store = RunStore(app.context.redis, settings.run_retention_s, settings.run_keep)

    async def cancel(self, command: Command) -> str:
        """End the run that the command names, answer whoever asked for it, and return its id. Safe to repeat.

        Raises `ActionError` with the reason when there is no such run or it is over.
        """
        why = f": {command.why}" if command.why else ""
        reason = f"by {command.asker}{why} (command {command.command_id})"
        claim = await self._claim(command.run)
        arena_id = claim.run if claim else command.run
        head = await self._store.head(arena_id)
        over = head.status if head and head.status != "running" else claim.over if claim and not head else ""
        if head is None and claim is None:
            await self._forestall(command.run, reason)
        elif not over:
            await self._end(arena_id, reason, None if head else await self._request(claim))
        elif head is None or not _done_by(head, reason):
            raise ActionError(f"The run {arena_id} is over: it was {over} before.")
        return arena_id

    async def _claim(self, named: str) -> Claim | None:
        """Who has taken the command that a run came of."""
        for command_id in _ids(named):
            claim = await self._answers.claim(command_id)
            if claim is not None and named in (command_id, claim.run):
                return claim
        return None

    async def _end(self, arena_id: str, reason: str, request: RunRequest | None) -> None:
        cancelled = await self._app.cancel(arena_id, reason, request)
        head = await self._store.head(arena_id)
        if head is None or not (cancelled or _done_by(head, reason)):
            became = f"it was {head.status} meanwhile" if head else "its record is gone"
            raise ActionError(f"The run {arena_id} could not be cancelled: {became}.")
        if await self._answers.finish(head.command_id, "failed", arena_id, head.error):
            told = {"arena": head.arena, "arena_id": arena_id, "command_id": head.command_id}
            self._context.events.emit("control.ack", **told, status="failed")

    async def _forestall(self, named: str, reason: str) -> None:
        """End a command that waits on the stream: nobody will begin its run."""
        for command_id in _ids(named):
            sent = await self._context.redis.get(beside(CONTROL_IN, "once", command_id))
            if sent not in (None, COOLED) and await self._answers.forestall(
                command_id, f"the run was cancelled before it began: {reason}"
            ):
                return
        raise ActionError(f"There is no run {named!r}. Those that are kept are listed by: maf arena runs")

    async def _request(self, claim: Claim | None) -> RunRequest | None:
        """What was asked for, of a run that was accepted and has no record yet."""
        found = entries(await self._context.redis.xrange(CONTROL_IN, claim.entry_id, claim.entry_id)) if claim else []
        try:
            return await request_of(self._context, Command.parse(codec.decode(found[0][1]))) if found else None
        except BadEntryError:
            return None


def _ids(named: str) -> list[str]:
    """The command that is meant: by its own id, or by that of its run, which begins with the arena's name."""
    return [command_id for command_id in (named, named.partition("-")[2]) if command_id]


def _done_by(head: RunHead, reason: str) -> bool:
    """Whether it was this very command that cancelled the run: it may have been cut short before it said so."""
    return head.status == "cancelled" and (head.error or "").endswith(reason)

"""What comes in on `maf:control:in`: taken once, or refused with the reason where everybody can see it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog

from maf_core.control.reloading import Reloader
from maf_core.errors import BadEntryError, ConfigError
from maf_core.plane.answers import Answers, Claim
from maf_core.plane.commands import Command
from maf_core.plane.refusals import Refusal
from maf_core.streams.consume import Entry

if TYPE_CHECKING:
    from maf_core.context import AppContext

log = structlog.get_logger(__name__)

DECISIONS = ("approve_action", "reject_action")
QUICK = ("cancel_run", *DECISIONS, "reload_config", "ping")
COMMANDS = ("run_arena", *QUICK)
# What of a refused command is repeated: it may hold anything.
_WORDS = 200


class Intake:
    """Reads, checks and claims commands."""

    def __init__(self, context: AppContext, answers: Answers) -> None:
        self._context = context
        self._answers = answers
        self._reloader = Reloader(context)
        self._max_bytes = context.settings.control.max_command_bytes

    async def read(self, entry: Entry) -> Command | None:
        """The command of an entry; None when it was refused."""
        try:
            return await self._checked(entry)
        except BadEntryError as error:
            await self.refuse(entry, str(error))
            return None

    async def admits(self, claim: Claim, command: Command, entry: Entry) -> bool:
        """Whether the command is to be carried out for this entry.

        The same entry again goes on where it was. Another one with the id of a command that was taken is refused.
        """
        if claim.fresh:
            self._tell_of(entry, command.command_id)
        if claim.entry_id != entry.id:
            await self.refuse(entry, _twice(claim))
            return False
        if claim.fresh and claim.run and not claim.over:
            told = {"arena": command.arena, "arena_id": claim.run, "command_id": command.command_id}
            self._context.events.emit("control.ack", **told, status="accepted")
        return not claim.over

    def sound(self, command: Command, size: int) -> bool:
        """Whether a `run_arena` of so many bytes of JSON is one that `read` would give back."""
        arena = self._context.arenas.get(command.arena)
        return arena is not None and not command.lacks(arena.target_key) and size <= self._max_bytes

    async def refuse(self, entry: Entry, reason: str, *, claimed: bool = False) -> None:
        """Reject what an entry asks for, once: to whoever asked, in the log, and among the refusals."""
        command_id, arena, source = (_word(entry, key) for key in ("command_id", "arena", "source"))
        refusal = Refusal(reason, command_id or entry.id, entry.id, arena, source)
        if not await self._answers.refuse(refusal, claimed=claimed):
            return
        told = {"command_id": refusal.command_id, "arena": arena}
        log.warning("command_rejected", **told, entry=entry.id, source=source, reason=reason)
        if not claimed:
            self._tell_of(entry, refusal.command_id)
        self._context.events.emit("control.ack", **told, status="rejected")

    def _tell_of(self, entry: Entry, command_id: str) -> None:
        """Put a command on the bus when it is seen for the first time."""
        words = {key: _word(entry, key) for key in ("command", "arena", "source")}
        trigger = entry.payload.get("trigger")
        rule = {key: _cut(value) for key, value in trigger.items()} if isinstance(trigger, dict) else None
        self._context.events.emit("control.command", **words, command_id=command_id, trigger=rule)

    async def _checked(self, entry: Entry) -> Command:
        command = Command.parse(entry.payload, self._max_bytes)
        if command.command not in COMMANDS:
            raise BadEntryError(f"there is no command {command.command!r}; this version knows {', '.join(COMMANDS)}")
        if command.command in DECISIONS and not command.action_id:
            raise BadEntryError(f"{command.command} needs the action_id: the arena_id of the run that decided it")
        if command.command == "cancel_run" and not command.run:
            raise BadEntryError("cancel_run needs the arena_id of the run, or the command_id that it came of")
        if command.command == "run_arena":
            await self._check_run(command, entry)
        return command

    async def _check_run(self, command: Command, entry: Entry) -> None:
        arenas = self._context.arenas
        if command.arena not in arenas:
            with suppress(ConfigError):
                await self._reloader.catch_up()  # another process may know it by now, and have said so
        if command.arena not in arenas:
            claim = await self._answers.claim(command.command_id)
            if claim is not None and claim.entry_id == entry.id:
                return  # it has begun, and goes on with the arena as it was then
            raise BadEntryError(f"there is no arena {command.arena!r}; this service has {', '.join(arenas) or 'none'}")
        key = arenas[command.arena].target_key
        if command.lacks(key):
            raise BadEntryError(f"the target of arena {command.arena!r} needs {key!r}")


def run_of(command: Command) -> str:
    """The `arena_id` of the run that a command gives; empty for one that gives none."""
    return f"{command.arena}-{command.command_id}" if command.command == "run_arena" else ""


def _twice(claim: Claim) -> str:
    first = f"entry {claim.entry_id}" + (f", run {claim.run}" if claim.run else "")
    return f"sent twice: a command of this id was taken before; its answers are those of the first, {first}"


def _word(entry: Entry, key: str) -> str:
    return _cut(entry.payload.get(key))


def _cut(value: Any) -> str:
    return value[:_WORDS] if isinstance(value, str) else ""

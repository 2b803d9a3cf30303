"""The worker between `maf:control:in` and the runs."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from maf_core.app import MAFApp
from maf_core.control.ahead import LookAhead
from maf_core.control.intake import QUICK, Intake, run_of
from maf_core.control.quick import Done, QuickCommands
from maf_core.control.requests import request_of
from maf_core.control.shortcut import ShortcutToInbox
from maf_core.control.taking import Taker
from maf_core.errors import BadEntryError
from maf_core.plane.answers import Answers
from maf_core.plane.commands import Command
from maf_core.plane.refusals import Refusal
from maf_core.streams import codec
from maf_core.streams.consume import FROM_START, Entry
from maf_core.streams.group import Delivery
from maf_core.streams.names import CONTROL_IN
from maf_core.tasks import cancelled
from maf_core.worker import ConsumerWorker

if TYPE_CHECKING:
    from maf_core.arenas.record import RunRecord
    from maf_core.context import AppContext

GROUP = "maf:control"
_LOOK_SECONDS = 1.0


class ControlInbox(ConsumerWorker):
    """Carries commands out, several at once, and answers on `maf:control:out`."""

    def __init__(self, context: AppContext) -> None:
        at_once = context.settings.max_concurrent_runs
        consumer = context.consumer(
            GROUP, [CONTROL_IN], start=FROM_START, concurrency=at_once, batch=at_once, spare=at_once // 2
        )
        super().__init__(consumer)
        self._context = context
        self._app = MAFApp(context)
        self._answers = Answers(context.redis)
        self._intake = Intake(context, self._answers)
        self._taker = Taker(self._app, self._answers)
        self._shortcut = ShortcutToInbox(context, self.consumer, self._intake, self._taker)
        self._quick = QuickCommands(self._app, self._answers)
        self._ahead = LookAhead(context.redis, at_once, self._carry_out)
        self.consumer.on_dead = self._dead

    async def prepare(self) -> None:
        """Create the consumer group, and do ahead what the first runs would wait for."""
        await super().prepare()
        await self._app.prepare()

    async def run(self, stop: asyncio.Event) -> None:
        """Carry out what comes until `stop` is set."""
        beside = [asyncio.create_task(self._ahead.run()), asyncio.create_task(self._end_cancelled())]
        self._context.near.shortcut = self._shortcut
        try:
            await super().run(stop)
        finally:
            self._context.near.shortcut = None
            await cancelled(beside)

    async def handle(self, entry: Entry) -> None:
        """Carry one command out and answer it."""
        async with self._ahead.place(entry):
            await self._carry_out(entry)

    async def _carry_out(self, entry: Entry) -> None:
        command, taken = self._shortcut.taken(entry.id) or (await self._intake.read(entry), None)
        if command is None:
            return
        claim, begun = taken or await self._taker.take(command, entry.id)
        if not await self._intake.admits(claim, command, entry):
            return
        done = await (self._quick.carry_out(command) if command.command in QUICK else self._run(command, begun))
        if done.status == "rejected":
            await self._intake.refuse(entry, done.error or "", claimed=True)
        else:
            await self._answer(command, done)

    async def _run(self, command: Command, begun: RunRecord | None) -> Done:
        request = begun.head.request if begun else await request_of(self._context, command)
        try:
            run = await self._app.run(request, begun)
        except RedisError:
            raise
        except Exception as error:
            # A publisher or outbox is a plugin's code; whoever asked must not wait for ever.
            reason = f"{type(error).__name__}: {error}"
            await self._answer(command, Done("failed", request.arena_id, reason))
            raise BadEntryError(f"the decision could not be published: {reason}") from error
        return Done("failed" if run.error else "completed", run.arena_id, run.error)

    async def _answer(self, command: Command, done: Done) -> None:
        answered = await self._answers.finish(command.command_id, done.status, done.arena_id, done.error)
        if answered:
            told = {"arena": command.arena, "arena_id": done.arena_id, "command_id": command.command_id}
            self._context.events.emit("control.ack", **told, status=done.status)

    async def _dead(self, delivery: Delivery, reason: str) -> None:
        """Answer a command that will never be carried out; it can be again when its entry is re-driven."""
        entry = Entry(delivery.stream, delivery.id, {})
        try:
            command = Command.parse(codec.decode(delivery.fields or {}, self.consumer.options.max_bytes))
        except BadEntryError:
            await self._answers.refuse(Refusal(reason, entry.id, entry.id))
            return
        claim = await self._answers.claim(command.command_id)
        if claim is None or claim.entry_id == entry.id:
            await self._answer(command, Done("failed", run_of(command), reason))
            await self._answers.release(command.command_id)

    async def _end_cancelled(self) -> None:
        """End the runs of this process that another has cancelled: they may wait for something slow."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            with suppress(RedisError):
                await self._app.end_cancelled()

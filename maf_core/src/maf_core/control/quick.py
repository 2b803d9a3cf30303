"""The commands that take no run's place: cancel, approve, reject, reload and ping."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple

from maf_core.control.cancelling import Canceller
from maf_core.control.reloading import Reloader
from maf_core.errors import ActionError, ConfigError
from maf_core.outbox.approvals import Approvals, Decision, Said
from maf_core.outbox.pending import outcome_of
from maf_core.plane.answers import Answers, AnswerStatus
from maf_core.plane.commands import Command

if TYPE_CHECKING:
    from maf_core.app import MAFApp


class Done(NamedTuple):
    """How a command ended, for its answer."""

    status: AnswerStatus
    arena_id: str = ""
    error: str | None = None


class QuickCommands:
    """Carries them out. Each is safe to repeat: it may have been cut short before it was answered."""

    def __init__(self, app: MAFApp, answers: Answers) -> None:
        self._canceller = Canceller(app, answers)
        self._reloader = Reloader(app.context)
        self._approvals = Approvals(app.context)
        self._ways: dict[str, Callable[[Command], Awaitable[Done]]] = {
            "approve_action": self._decide,
            "reject_action": self._decide,
            "cancel_run": self._cancel,
            "ping": self._ping,
            "reload_config": self._reload,
        }

    async def carry_out(self, command: Command) -> Done:
        """Do it, and tell how it ended. What cannot be done is rejected with the reason."""
        try:
            return await self._ways[command.command](command)
        except ActionError as error:
            return Done("rejected", error=str(error))

    async def _ping(self, _: Command) -> Done:
        return Done("completed")

    async def _cancel(self, command: Command) -> Done:
        return Done("completed", await self._canceller.cancel(command))

    async def _reload(self, _: Command) -> Done:
        """Reload here, and when that went well everywhere."""
        try:
            await self._reloader.reload()
        except ConfigError as error:
            return Done("failed", error=str(error))
        await self._reloader.everywhere()
        return Done("completed")

    async def _decide(self, command: Command) -> Done:
        """Approve or reject an action; `failed` when the risk gate stopped one that was approved."""
        said: Said = "approve" if command.command == "approve_action" else "reject"
        decision = Decision(action_id=command.action_id, said=said, who=command.asker, why=command.why)
        execution = await self._approvals.decide(decision)
        if said == "approve" and execution.status == "rejected":
            return Done("failed", command.action_id, outcome_of(execution))
        return Done("completed", command.action_id)

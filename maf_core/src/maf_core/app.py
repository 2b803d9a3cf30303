"""The application: its arenas, and what happens between a command and a published decision."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from redis.exceptions import RedisError

from maf_core.arenas.config import ArenaConfig
from maf_core.arenas.engine import ArenaEngine
from maf_core.arenas.remembering import remember
from maf_core.arenas.run import FinishedRun, RunRequest
from maf_core.checking import load_checked
from maf_core.errors import ActionError, BadEntryError, ConfigError, MAFError
from maf_core.outbox.approvals import Approvals, Decision, Said
from maf_core.outbox.pending import outcome_of
from maf_core.plane.commands import AnswerStatus, Command, answer
from maf_core.plugins import PluginManager
from maf_core.records import ArenaSpec, PublisherSpec, RouterSpec, by_priority
from maf_core.streams.consume import FROM_START, Entry
from maf_core.streams.names import CONTROL_IN
from maf_core.worker import ConsumerWorker

if TYPE_CHECKING:
    from maf_core.context import AppContext

log = structlog.get_logger(__name__)

GROUP = "maf:control"
SAYS: dict[str, Said] = {"approve_action": "approve", "reject_action": "reject"}
COMMANDS = ("run_arena", *SAYS, "ping")


def load_arenas(plugins: PluginManager, config_dir: Path | None = None) -> dict[str, ArenaConfig]:
    """All arenas by name: those of plugins, and the user's own from `arenas/*.yaml`, which win.

    Raises `ConfigError` for an arena of the user's that does not validate or names an agent or source nobody offers;
    one of a plugin's is left out, with a warning.
    """
    own = _own(plugins, config_dir / "arenas") if config_dir else {}
    shipped = [_shipped(plugins, spec) for spec in plugins.records("maf_arenas", ArenaSpec).values()]
    found = {arena.name: arena for arena in shipped if arena is not None}
    return dict(sorted({**found, **own}.items()))


def _own(plugins: PluginManager, folder: Path) -> dict[str, ArenaConfig]:
    """The user's arenas; the same name in two files is a mistake."""
    found: dict[str, ArenaConfig] = {}
    for path in sorted(folder.glob("*.yaml")):
        arena = load_checked(plugins, path)
        if arena.name in found:
            raise ConfigError(f"{path}: another file in {folder} has an arena {arena.name!r} too; rename one.")
        found[arena.name] = arena
    return found


def _shipped(plugins: PluginManager, spec: ArenaSpec) -> ArenaConfig | None:
    """A plugin's arena, or None with a warning: the user may well have chosen not to install what it needs."""
    try:
        return load_checked(plugins, spec.load()())
    except MAFError as error:
        log.warning("arena_not_used", arena=spec.name, reason=str(error))
        return None


class MAFApp:
    """Runs arenas and publishes what they decide."""

    def __init__(self, context: AppContext) -> None:
        self.context = context
        self._engine = ArenaEngine(context)
        self._publishers = self._made("maf_envelope_publishers", PublisherSpec, key="arena")
        self._routers = self._made("maf_outbox_routers", RouterSpec, key="target_key")

    async def run(self, request: RunRequest) -> FinishedRun:
        """Run the arena, publish its envelope and hand the decision to the outbox of its target key.

        Safe to repeat: a run that was finished is not run again, and what was published is not published again. Of a
        cancelled run nothing is published.
        """
        run = await self._engine.run(request)
        if run.status == "cancelled":
            return run
        publisher = self._publishers.get(run.arena.name)
        if publisher is not None:
            await publisher.publish(run)
        await remember(self.context, run)  # before anybody can act on it, so that no outcome comes first
        self.context.events.emit(
            "decision.emit",
            arena=run.arena.name,
            arena_id=run.arena_id,
            correlation_id=run.correlation_id,
            verdict=run.state.get("synthesis_verdict"),
            confidence=run.state.get("synthesis_confidence"),
        )
        router = self._routers.get(run.arena.target_key) or self._routers["*"]
        await router.publish(run)
        return run

    async def cancel(self, arena_id: str, reason: str) -> bool:
        """End a run now, wherever it is; see `ArenaEngine.cancel`."""
        return await self._engine.cancel(arena_id, reason)

    def _made(self, hook: str, kind: type[Any], key: str) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for spec in by_priority(self.context.plugins.records(hook, kind)):
            made.setdefault(getattr(spec, key), spec.load()(self.context))
        return made


class ControlInbox(ConsumerWorker):
    """The worker that carries commands out, several at once, and answers on `maf:control:out`."""

    def __init__(self, context: AppContext) -> None:
        at_once = context.settings.max_concurrent_runs
        super().__init__(context.consumer(GROUP, [CONTROL_IN], start=FROM_START, concurrency=at_once, batch=at_once))
        self._context = context
        self._app = MAFApp(context)
        self._approvals = Approvals(context)

    async def handle(self, entry: Entry) -> None:
        """Carry one command out and answer it."""
        command = await self._accepted(entry)
        if command is None:
            return
        if command.command == "ping":
            await self._answer(command.command_id, "completed", command.arena)
            return
        if command.command in SAYS:
            await self._decide(command)
            return
        request = await self._request(command)
        await self._answer(command.command_id, "accepted", command.arena, request.arena_id)
        try:
            run = await self._app.run(request)
        except RedisError:
            raise
        except Exception as error:
            # A publisher or outbox is a plugin's code; whoever asked must not wait for ever.
            reason = f"{type(error).__name__}: {error}"
            await self._answer(command.command_id, "failed", command.arena, request.arena_id, reason)
            raise BadEntryError(f"the decision could not be published: {reason}") from error
        status: AnswerStatus = "failed" if run.error else "completed"
        await self._answer(command.command_id, status, command.arena, run.arena_id, run.error)

    async def _accepted(self, entry: Entry) -> Command | None:
        """The command, or None after having rejected it with the reason."""
        asked = {key: str(entry.payload.get(key) or "") for key in ("command", "command_id", "arena", "source")}
        asked["command_id"] = asked["command_id"] or entry.id
        self._context.events.emit("control.command", **asked, trigger=entry.payload.get("trigger"))
        try:
            command = Command.parse(entry.payload)
            self._check(command)
        except BadEntryError as error:
            log.warning("command_rejected", command_id=asked["command_id"], reason=str(error))
            await self._answer(asked["command_id"], "rejected", asked["arena"], error=str(error))
            return None
        return command

    async def _decide(self, command: Command) -> None:
        """Approve or reject an action; `failed` when the risk gate stopped one that was approved."""
        who = command.who or command.source or "maf:control:in"
        decision = Decision(action_id=command.action_id, said=SAYS[command.command], who=who, why=command.why)
        status: AnswerStatus = "completed"
        error = None
        try:
            execution = await self._approvals.decide(decision)
            if decision.said == "approve" and execution.status == "rejected":
                status, error = "failed", outcome_of(execution)
        except ActionError as refused:
            status, error = "rejected", str(refused)
        await self._answer(command.command_id, status, command.arena, command.action_id, error)

    async def _answer(
        self, command_id: str, status: AnswerStatus, arena: str, arena_id: str = "", error: str | None = None
    ) -> None:
        await answer(self._context.redis, command_id, status, arena_id=arena_id, error=error)
        self._context.events.emit("control.ack", arena=arena, arena_id=arena_id, command_id=command_id, status=status)

    def _check(self, command: Command) -> None:
        if command.command not in COMMANDS:
            known = ", ".join(COMMANDS)
            raise BadEntryError(f"there is no command {command.command!r}; this version knows {known}")
        if command.command in SAYS and not command.action_id:
            raise BadEntryError(f"{command.command} needs the action_id: the arena_id of the run that decided it")
        if command.command != "run_arena":
            return
        arena = self._context.arenas.get(command.arena)
        if arena is None:
            known = ", ".join(self._context.arenas) or "none"
            raise BadEntryError(f"there is no arena {command.arena!r}; this service has {known}")
        if not command.target.get(arena.target_key):
            raise BadEntryError(f"the target of arena {arena.name!r} needs {arena.target_key!r}")

    async def _request(self, command: Command) -> RunRequest:
        as_of = command.as_of or await self._context.clock.now()
        target = {"trade_date": as_of.date().isoformat(), **command.target}
        return RunRequest(command.arena, target, as_of, command.command_id, command.action_mode, command.trigger)

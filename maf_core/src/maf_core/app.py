"""The application: its arenas, and what happens between a command and a published decision."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from redis.exceptions import RedisError

from maf_core.arenas.config import ArenaConfig, load_arena
from maf_core.arenas.engine import ArenaEngine
from maf_core.arenas.run import FinishedRun, RunRequest
from maf_core.errors import BadEntryError, ConfigError, MAFError
from maf_core.plane.commands import AnswerStatus, Command, answer
from maf_core.plane.triggers import compile_rules
from maf_core.plugins import PluginManager
from maf_core.records import AgentSpec, ArenaSpec, PublisherSpec, RouterSpec, by_priority
from maf_core.sources.catalog import configured
from maf_core.streams.consume import FROM_START, Entry
from maf_core.streams.names import CONTROL_IN
from maf_core.worker import ConsumerWorker

if TYPE_CHECKING:
    from maf_core.context import AppContext

log = structlog.get_logger(__name__)

GROUP = "maf:control"


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
        arena = load_arena(path)
        check_arena(plugins, arena)
        if arena.name in found:
            raise ConfigError(f"{path}: another file in {folder} has an arena {arena.name!r} too; rename one.")
        found[arena.name] = arena
    return found


def _shipped(plugins: PluginManager, spec: ArenaSpec) -> ArenaConfig | None:
    """A plugin's arena, or None with a warning: the user may well have chosen not to install what it needs."""
    try:
        arena = load_arena(spec.load()())
        check_arena(plugins, arena)
    except MAFError as error:
        log.warning("arena_not_used", arena=spec.name, reason=str(error))
        return None
    return arena


def check_arena(plugins: PluginManager, arena: ArenaConfig) -> None:
    """Make everything an arena names once, so that a mistake shows before the first run."""
    try:
        for binding in arena.sources.values():
            configured(plugins, binding.source, binding.config)
        for phase in arena.phases:
            for agent in phase.agents:
                plugins.get("maf_agents", AgentSpec, agent.role).load()(agent).check(arena)
        compile_rules([arena])
    except MAFError as error:
        raise ConfigError(f"arena {arena.name!r}: {error}") from error


class MAFApp:
    """Runs arenas and publishes what they decide."""

    def __init__(self, context: AppContext) -> None:
        self.context = context
        self._engine = ArenaEngine(context)
        self._publishers = self._made("maf_envelope_publishers", PublisherSpec, key="arena")
        self._routers = self._made("maf_outbox_routers", RouterSpec, key="target_key")

    async def run(self, request: RunRequest) -> FinishedRun:
        """Run the arena, publish its envelope and hand the decision to the outbox of its target key.

        Safe to repeat: a run that was finished is not run again, and what was published is not published again.
        """
        run = await self._engine.run(request)
        publisher = self._publishers.get(run.arena.name)
        if publisher is not None:
            await publisher.publish(run)
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

    async def handle(self, entry: Entry) -> None:
        """Carry one command out and answer it."""
        command = await self._accepted(entry)
        if command is None:
            return
        if command.command == "ping":
            await answer(self._context.redis, command.command_id, "completed")
            return
        request = await self._request(command)
        await answer(self._context.redis, command.command_id, "accepted", arena_id=request.arena_id)
        try:
            run = await self._app.run(request)
        except RedisError:
            raise
        except Exception as error:
            # A publisher or outbox is a plugin's code; whoever asked must not wait for ever.
            reason = f"{type(error).__name__}: {error}"
            await answer(self._context.redis, command.command_id, "failed", arena_id=request.arena_id, error=reason)
            raise BadEntryError(f"the decision could not be published: {reason}") from error
        status: AnswerStatus = "failed" if run.error else "completed"
        await answer(self._context.redis, command.command_id, status, arena_id=run.arena_id, error=run.error)
        self._context.events.emit("control.ack", arena=command.arena, arena_id=run.arena_id, status=status)

    async def _accepted(self, entry: Entry) -> Command | None:
        """The command, or None after having rejected it with the reason."""
        try:
            command = Command.parse(entry.payload)
            self._check(command)
        except BadEntryError as error:
            command_id = str(entry.payload.get("command_id") or entry.id)
            log.warning("command_rejected", command_id=command_id, reason=str(error))
            await answer(self._context.redis, command_id, "rejected", error=str(error))
            return None
        return command

    def _check(self, command: Command) -> None:
        if command.command not in ("run_arena", "ping"):
            raise BadEntryError(f"there is no command {command.command!r}; this version knows run_arena and ping")
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

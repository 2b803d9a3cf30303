"""Runs the arenas of one application: takes runs up, each by one worker at a time, and cancels them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog

from maf_core.agents.base import Agent
from maf_core.arenas.config import AgentConfig, ArenaConfig
from maf_core.arenas.definitions import Definitions
from maf_core.arenas.execution import Execution, Stop, finished, hold
from maf_core.arenas.record import RunHead, RunRecord
from maf_core.arenas.run import FinishedRun, RunRequest
from maf_core.arenas.state import State, frozen
from maf_core.arenas.store import WORK_SECONDS, Beginning, RunStore
from maf_core.errors import RunTakenError, UnknownNameError
from maf_core.records import AgentSpec

if TYPE_CHECKING:
    from maf_core.context import AppContext

log = structlog.get_logger(__name__)

_POLL_SECONDS = 0.25


class _Turn:
    """A run that this process is at. `asked_again`: meanwhile somebody else here has begun to wait for it."""

    def __init__(self) -> None:
        self.stop = Stop()
        self.over = asyncio.Event()
        self.asked_again = False


class ArenaEngine:
    """Runs the arenas of one application."""

    def __init__(self, app: AppContext, store: RunStore | None = None) -> None:
        self._app = app
        self._store = store or RunStore(app.redis, app.settings.run_retention_s, app.settings.run_keep)
        self._definitions = Definitions(app.redis, max(app.settings.run_retention_s, WORK_SECONDS))
        self._roles: dict[str, Callable[[AgentConfig], Agent]] = {}
        self._turns: dict[str, _Turn] = {}
        self._places: dict[tuple[str, int], asyncio.Semaphore] = {}

    async def prepare(self) -> None:
        """Keep the definitions of all arenas, so that no run waits for that."""
        for arena in self._app.arenas.values():
            await self._definitions.keep(arena)

    async def beginning(self, request: RunRequest) -> Beginning | None:
        """A record for `run` to go on with, once it is written; None when the arena is not there."""
        arena = self._app.arenas.get(request.arena)
        if arena is None:
            return None
        digest = await self._definitions.keep(arena)
        return self._store.beginning(_head(request), _initial_state(request), digest)

    async def run(self, request: RunRequest, begun: RunRecord | None = None) -> FinishedRun:
        """Run the requested arena to its end, going on from where an earlier worker stopped.

        What goes wrong inside the run is in the answer's `error`, and it says HOLD. Raises `RedisError` when the server
        is away, `UnknownNameError` for an arena that is not there (any more), and `RunError` for a record that cannot
        be read or that a newer version wrote.
        """
        arena = await self._arena(request)
        async with self._turn(request.arena_id) as turn, self._place(arena, turn.stop):
            while True:
                arena, record = (arena, begun) if begun else await self._opened(arena, request)
                begun = None
                if record.head.status != "running":
                    return finished(arena, record)
                try:
                    return await Execution(self._app, arena, record, self._store, self._make, turn.stop).finish()
                except RunTakenError:
                    log.warning(
                        "run_taken_over", arena_id=request.arena_id, now="waiting for the other worker's result"
                    )
                    await self._until_over(arena, request.arena_id, turn)

    async def _opened(self, arena: ArenaConfig, request: RunRequest) -> tuple[ArenaConfig, RunRecord]:
        """The run's record, and the arena that it began with."""
        digest = await self._definitions.keep(arena)
        record = await self._store.open(_head(request), _initial_state(request), digest)
        if record.definition not in (digest, ""):
            arena = await self._definitions.find(record.definition) or arena
        return arena, record

    async def _arena(self, request: RunRequest) -> ArenaConfig:
        """The arena as it is now; of a run that has begun, also one that is gone by now."""
        arena = self._app.arenas.get(request.arena)
        if arena is None and (digest := await self._store.definition(request.arena_id)):
            arena = await self._definitions.find(digest)
        if arena is None:
            known = ", ".join(self._app.arenas) or "none"
            raise UnknownNameError(f"there is no arena {request.arena!r}; there are {known}")
        return arena

    async def cancel(self, arena_id: str, reason: str, request: RunRequest | None = None) -> bool:
        """End a run now, wherever it is; nothing is published of it. False when there is none or it was over already.

        One of this process ends at whatever it is waiting for. One of another process is taken away from it: that one
        notices when it next saves something, or with `end_cancelled`. With `request`, a run that has not begun is
        cancelled too, and never will.
        """
        turn = self._turns.get(arena_id)
        if turn is None:
            return await self._cancel_elsewhere(arena_id, reason, request)
        turn.stop.now(reason)
        await turn.over.wait()
        head = await self._store.head(arena_id)
        return head is not None and head.status == "cancelled"

    async def end_cancelled(self) -> None:
        """End the runs of this process that another has cancelled, at whatever they are waiting for."""
        for arena_id, head in await self._store.heads(list(self._turns)):
            if head is not None and head.status == "cancelled" and arena_id in self._turns:
                self._turns[arena_id].stop.now(head.error or "")

    async def _cancel_elsewhere(self, arena_id: str, reason: str, request: RunRequest | None) -> bool:
        if request is None:
            record = await self._store.take(arena_id)
        else:
            record = await self._store.open(_head(request), _initial_state(request))
        if record is None or record.head.status != "running":
            return False
        record.head.status, record.head.error = "cancelled", f"the run was cancelled: {reason}"
        hold(record.state, record.head.error)
        await self._store.save(record)
        self._app.events.emit(
            "arena.error",
            arena=record.head.arena,
            arena_id=arena_id,
            correlation_id=record.head.correlation_id,
            error=record.head.error,
        )
        return True

    @asynccontextmanager
    async def _turn(self, arena_id: str) -> AsyncIterator[_Turn]:
        """One at a time in this process: whoever asks for the same run meanwhile gets what comes of it."""
        while (before := self._turns.get(arena_id)) is not None:
            before.asked_again = True
            await before.over.wait()
        turn = self._turns[arena_id] = _Turn()
        try:
            yield turn
        finally:
            del self._turns[arena_id]
            turn.over.set()

    def _place(self, arena: ArenaConfig, stop: Stop) -> AbstractAsyncContextManager[None]:
        most = arena.limits.max_runs_at_once
        if most is None:
            return nullcontext()
        return _held(self._places.setdefault((arena.name, most), asyncio.Semaphore(most)), stop)

    async def _until_over(self, arena: ArenaConfig, arena_id: str, turn: _Turn) -> None:
        """Wait for whoever is at the run now: at most for as long as a run may take, then that one is gone too.

        That one is gone at once when the run is asked for here again: its command was handed back to this process.
        """
        loop = asyncio.get_running_loop()
        ends = loop.time() + arena.limits.run_timeout_s
        while loop.time() < ends and turn.stop.reason is None and not turn.asked_again:
            head = await self._store.head(arena_id)
            if head is None or head.status != "running":
                return
            await asyncio.sleep(_POLL_SECONDS)
        turn.asked_again = False  # each who asks lets it be taken back once: two that both were asked come to an end

    def _make(self, config: AgentConfig) -> Agent:
        if config.role not in self._roles:
            self._roles[config.role] = self._app.plugins.get("maf_agents", AgentSpec, config.role).load()
        return self._roles[config.role](config)


@asynccontextmanager
async def _held(places: asyncio.Semaphore, stop: Stop) -> AsyncIterator[None]:
    """One of the places; a run that is to end goes on without."""
    held = await stop.comes_after(places.acquire())
    try:
        yield
    finally:
        if held:
            places.release()


def _head(request: RunRequest) -> RunHead:
    return RunHead(
        arena=request.arena,
        command_id=request.command_id,
        target=request.target,
        as_of=request.as_of,
        action_mode=request.action_mode,
        trigger=request.trigger,
        correlation_id=uuid4().hex,
    )


def _initial_state(request: RunRequest) -> State:
    return dict(
        frozen(
            {
                "target": request.target,
                "as_of": request.as_of.isoformat(),
                "trigger": request.trigger,
                "llm_model": "rules",
                "iteration": 0,
                "signals": {},
                "abstentions": {},
                "reports": {},
                "phase_timings": [],
            }
        )
    )

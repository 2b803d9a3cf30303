"""Lets the agents of a run work: within their time, so many at once, and none of them able to sink the others."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import structlog

from maf_core.agents.base import Agent
from maf_core.arenas.config import AgentConfig
from maf_core.arenas.fetching import NOT_HERE
from maf_core.arenas.own import OwnDict
from maf_core.arenas.run import RunContext
from maf_core.arenas.state import FrozenDict, State, frozen, section

log = structlog.get_logger(__name__)

MakeAgent = Callable[[AgentConfig], Agent]
Task = asyncio.Task[FrozenDict]

# How long an agent that was told to stop may take for it.
_GRACE_SECONDS = 1.0


class AgentRunner:
    """Runs the agents of one run. Each is made once, when it is first asked."""

    def __init__(self, context: RunContext, make: MakeAgent) -> None:
        self._context = context
        self._make = make
        self._agents: dict[str, Agent] = {}
        self._failed = {name for name, why in section(context.known, "failures").items() if why}
        self._left: set[Task] = set()

    async def ask(self, members: Sequence[AgentConfig], state: State, ends: float | None = None) -> list[FrozenDict]:
        """The members' patches, in their order; each sees its own copy of `state`.

        One that fails or takes too long abstains, with the reason. `ends`: the loop's time after which nobody goes on.
        """
        patches: dict[str, FrozenDict] = {}
        waiting, working = deque(members), dict[Task, tuple[AgentConfig, float]]()
        try:
            while waiting or working:
                if is_over(ends):
                    patches |= {one.name: self.failure(one, "the phase was over before its turn") for one in waiting}
                    waiting.clear()
                self._start(waiting, working, state, ends)
                if working:
                    await self._wait(working, first=bool(waiting))
                self._collect(working, patches, ends)
        finally:
            self._stop(working)
        return [patches[member.name] for member in members]

    async def close(self) -> None:
        """Wait for agents that were told to stop; one that does not is left behind, with a warning."""
        if self._left:
            _, pending = await asyncio.wait(self._left, timeout=_GRACE_SECONDS)
            for task in pending:
                log.warning("agent_does_not_stop", agent=task.get_name(), arena_id=self._context.request.arena_id)

    def _start(
        self,
        waiting: deque[AgentConfig],
        working: dict[Task, tuple[AgentConfig, float]],
        state: State,
        ends: float | None,
    ) -> None:
        limits = self._context.arena.limits
        room = limits.max_agents_at_once or len(waiting)
        due = _now() + limits.agent_timeout_s
        while waiting and len(working) < room:
            member = waiting.popleft()
            task = asyncio.create_task(self._answer(member, state), name=member.name)
            working[task] = (member, due if ends is None else min(due, ends))

    async def _wait(self, working: dict[Task, tuple[AgentConfig, float]], *, first: bool) -> None:
        """Until an agent is done (`first`) or all are, or the time of the one that began first is over."""
        _, due = next(iter(working.values()))
        until = asyncio.FIRST_COMPLETED if first else asyncio.FIRST_EXCEPTION
        await asyncio.wait(working, timeout=max(0.0, due - _now()), return_when=until)

    def _collect(
        self, working: dict[Task, tuple[AgentConfig, float]], patches: dict[str, FrozenDict], ends: float | None
    ) -> None:
        now = _now()
        for task, (member, due) in list(working.items()):
            if task.done():
                # It was not told to stop: what it waited for was cancelled by somebody else, which is its failure.
                gone = task.cancelled()
                patches[member.name] = self.failure(member, "it was cancelled") if gone else task.result()
                del working[task]
            elif due <= now:
                over = "the phase was over" if due == ends else _too_long(self._context.arena.limits.agent_timeout_s)
                patches[member.name] = self.failure(member, over)
                self._stop([task])
                del working[task]

    def _stop(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            task.cancel()
            self._left.add(task)
            task.add_done_callback(self._gone)

    def _gone(self, task: Task) -> None:
        self._left.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not log it as never retrieved

    async def _answer(self, member: AgentConfig, state: State) -> FrozenDict:
        context, started = self._context, time.perf_counter()
        context.emit("agent.start", agent=member.name)
        try:
            with context.app.tracer.span(f"agent {member.name}", agent=member.name, role=member.role):
                patch = self._settled(member, _checked(await self._agent(member).run(OwnDict(state), context)))
        except NOT_HERE:
            raise
        except Exception as error:
            # An agent is a plugin's code: one that fails must not sink the panel.
            log.exception("agent_failed", agent=member.name, arena_id=context.request.arena_id)
            return self.failure(member, f"{type(error).__name__}: {error}")
        context.emit("agent.complete", agent=member.name, ms=round((time.perf_counter() - started) * 1000, 3))
        return patch

    def _agent(self, member: AgentConfig) -> Agent:
        if member.name not in self._agents:
            self._agents[member.name] = self._make(member)
        return self._agents[member.name]

    def failure(self, member: AgentConfig, reason: str) -> FrozenDict:
        """The patch of a member that failed: it abstains, with the reason."""
        self._failed.add(member.name)
        self._context.emit("agent.error", agent=member.name, error=reason)
        abstains = {name: {member.name: reason} for name in ("abstentions", "failures")}
        patch: FrozenDict = frozen({**abstains, "signals": {member.name: None}})
        return patch

    def _settled(self, member: AgentConfig, patch: FrozenDict) -> FrozenDict:
        """Who failed in an earlier round, and does not any more, no longer abstains for that."""
        if member.name not in self._failed:
            return patch
        self._failed.discard(member.name)
        cleared = {name: {member.name: None, **section(patch, name)} for name in ("abstentions", "failures")}
        recovered: FrozenDict = frozen({**patch, **cleared})
        return recovered


def _checked(patch: Any) -> FrozenDict:
    if not isinstance(patch, dict):
        raise TypeError(f"an agent returns a patch, a dict, not {type(patch).__name__}")
    checked: FrozenDict = frozen(patch)
    return checked


def _too_long(seconds: float) -> str:
    return f"no answer within {seconds:g} s"


def is_over(ends: float | None) -> bool:
    """Whether the loop's time has come to `ends`."""
    return ends is not None and _now() >= ends


def _now() -> float:
    return asyncio.get_running_loop().time()

"""Actions and finished runs to judge, and a desk that judges them with the real workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import uuid4

import pytest

from maf_core import Entry, ExecutionEnvelope, FinishedRun, RiskCheckSpec, TradingAction
from maf_core.arenas.config import ArenaConfig
from maf_core.arenas.run import RunRequest
from maf_core.context import AppContext
from maf_core.outbox.approvals import ApprovalClerk, Approvals, Decision
from maf_core.outbox.execution import ActionConsumer
from maf_core.outbox.ledger import open_positions
from maf_core.outbox.positions import PositionKeeper
from maf_core.settings import RiskSettings
from maf_core.streams import codec
from maf_core.streams.names import ACTIONS, APPROVALS, EXECUTIONS, OUTCOMES
from maf_core.streams.raw import entries

STATE = {
    "synthesis_verdict": "BUY",
    "synthesis_confidence": 0.8,
    "synthesis_score": 0.5,
    "synthesis_reasoning": "BUY at score +0.500",
}


@pytest.fixture
def action() -> Callable[..., TradingAction]:
    """A valid BUY of AAPL; keywords replace fields, `sizing` and `target` those within."""

    def make(sizing: dict[str, Any] | None = None, target: dict[str, Any] | None = None, **more: Any) -> TradingAction:
        fields = {
            "arena": "panel",
            "arena_id": f"panel-{uuid4().hex}",
            "correlation_id": uuid4().hex,
            "published_at": datetime(2024, 3, 1, 21, tzinfo=UTC),
            "target": {"ticker": "AAPL", "trade_date": "2024-03-01", **(target or {})},
            "verdict": "BUY",
            "mode": "auto",
            "sizing": {"confidence": 0.8, "ensemble_score": 0.5, "size_fraction": 0.1, **(sizing or {})},
        }
        return TradingAction.model_validate(fields | more)

    return make


@pytest.fixture
def finished() -> Callable[..., FinishedRun]:
    """A finished run of an arena with this state; keywords are keys of the arena."""

    def make(
        state: dict[str, Any] | None = None,
        target: dict[str, Any] | None = None,
        error: str | None = None,
        **arena: Any,
    ) -> FinishedRun:
        phases = [{"name": "decide", "agents": [{"name": "verdict", "role": "synthesis"}]}]
        config = ArenaConfig.model_validate({"name": "panel", "phases": phases, **arena})
        about = {"ticker": "AAPL", "trade_date": "2024-03-01"} if target is None else target
        request = RunRequest("panel", about, datetime(2024, 3, 1, 21, tzinfo=UTC), uuid4().hex)
        return FinishedRun(config, request, uuid4().hex, STATE if state is None else state, 0.1, error)

    return make


class Desk:
    """One process's workers of the outbox, fed by hand with what their streams would bring them."""

    def __init__(self, context: AppContext) -> None:
        self.context = context
        self.redis = context.redis
        self.actions = ActionConsumer(context)
        self.clerk = ApprovalClerk(context)
        self.positions = PositionKeeper(context)
        self._ids = (f"{number}-0" for number in count(1))

    async def submit(self, *actions: TradingAction) -> None:
        """Have the actions judged, one after the other."""
        for action in actions:
            await self.actions.handle(Entry(ACTIONS, next(self._ids), action.model_dump(mode="json")))

    async def judged(self, action: TradingAction) -> ExecutionEnvelope:
        """Have one action judged, and give the execution that came of it."""
        await self.submit(action)
        return (await self.executions())[-1]

    async def outcome(self, arena_id: str, entry_id: str = "", **more: Any) -> None:
        """Have an outcome handled."""
        payload = {"arena_id": arena_id, **more}
        await self.positions.handle(Entry(OUTCOMES, entry_id or next(self._ids), payload))

    async def decide(self, action_id: str, said: str, who: str = "anna", why: str = "looked at it") -> None:
        """Have a person's decision handled."""
        decision = Decision(action_id=action_id, said=said, who=who, why=why)
        await self.clerk.handle(Entry(APPROVALS, next(self._ids), decision.model_dump(mode="json")))

    async def expire(self) -> None:
        """Let the clerk look once for what has waited too long."""
        await Approvals(self.context).expire()

    async def executions(self) -> list[ExecutionEnvelope]:
        """Everything on `maf:executions:out`, oldest first."""
        found = entries(await self.redis.xrange(EXECUTIONS))
        return [ExecutionEnvelope.model_validate(codec.decode(fields)) for _, fields in found]

    async def open(self) -> dict[str, float]:
        """What the gate takes for open: size by run."""
        return {held.arena_id: held.size for held in await open_positions(self.redis)}


@pytest.fixture
def desk(make_context: Callable[..., AppContext], load: Callable[..., Any]) -> Callable[..., Desk]:
    """A desk with the core's checks and these, under these limits; `execution` and others are further settings."""

    def make(*specs: RiskCheckSpec, settings: Any = None, **limits: Any) -> Desk:
        return Desk(make_context(plugins=load(*specs), risk=RiskSettings(**limits), **(settings or {})))

    return make


def answer_of(execution: ExecutionEnvelope, name: str) -> tuple[str, str]:
    """The result and the reason of one check."""
    found = next(check for check in execution.checks if check.name == name)
    return found.result, found.reason


@pytest.fixture
def answered() -> Callable[[ExecutionEnvelope, str], tuple[str, str]]:
    """The result and the reason of one check of an execution."""
    return answer_of


@pytest.fixture
def check_spec() -> Callable[..., RiskCheckSpec]:
    """A plugin's check that answers with what `answer(action)` gives, or raises it; gives back on `withdraw`."""

    def make(answer: Callable[[TradingAction], Any], name: str = "mine", **more: Any) -> RiskCheckSpec:
        class Mine:
            def __init__(self, context: AppContext) -> None: ...

            async def check(self, action: TradingAction) -> Any:
                return answer(action)

        return RiskCheckSpec(name=name, factory=Mine, **more)

    return make


def failed(execution: ExecutionEnvelope) -> Iterable[str]:
    """The names of the checks that stopped it."""
    return [check.name for check in execution.checks if check.result == "failed"]


@pytest.fixture
def stopped_by() -> Callable[[ExecutionEnvelope], Iterable[str]]:
    """The names of the checks that stopped an execution."""
    return failed

"""A person's yes or no to an action that waits, and the end of the wait.

A decision is put on a stream and carried out by a service, whose settings and plugins judge the action again. Whoever
comes first, a person, another one or the clock, gives the action its one final execution.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from redis.asyncio import Redis

from maf_core.envelopes import require_version
from maf_core.errors import ActionError, BadEntryError
from maf_core.outbox.book import Approval
from maf_core.outbox.gate import RiskGate
from maf_core.outbox.ledger import GROUP
from maf_core.outbox.models import ExecutionEnvelope
from maf_core.outbox.pending import final, find, forget_deadline, overdue, why_not
from maf_core.settings import explain
from maf_core.streams.consume import FROM_START, Entry
from maf_core.streams.names import APPROVALS
from maf_core.streams.publish import publish
from maf_core.tasks import cancelled
from maf_core.worker import ConsumerWorker

if TYPE_CHECKING:
    from maf_core.context import AppContext

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 1.0

Said = Literal["approve", "reject"]


class Decision(BaseModel):
    """One entry of `maf:approvals:in`: what a person says to the action of the run `action_id`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    action_id: str = Field(min_length=1)
    said: Said
    who: str = Field(min_length=1)
    why: str = ""
    asked_at: datetime = Field(default_factory=lambda: datetime.now(UTC))

    @property
    def words(self) -> str:
        """How the execution tells of it."""
        said = "approved" if self.said == "approve" else "rejected"
        return f"{said} by {self.who}" + (f": {self.why}" if self.why else "")


async def ask(redis: Redis, decision: Decision) -> None:
    """Put a decision where a service finds it. Raises `ActionError` with the reason when the action does not wait."""
    if await find(redis, decision.action_id) is None:
        raise ActionError(await why_not(redis, decision.action_id))
    await publish(redis, APPROVALS, decision.model_dump(mode="json"))


class Approvals:
    """Carries decisions out."""

    def __init__(self, context: AppContext) -> None:
        self._redis = context.redis
        self._clock = context.clock
        self._gate = RiskGate(context)

    async def decide(self, decision: Decision) -> ExecutionEnvelope:
        """Give the action its final execution: rejected, or approved and judged again, which may reject it too.

        The same decision again gives the same execution. Raises `ActionError` with the reason when the action is
        unknown, expired, or was decided otherwise.
        """
        decided = await self._decide(decision) or await final(self._redis, decision.action_id)
        if decided is None or decision.words not in [check.reason for check in decided.checks]:
            raise ActionError(await why_not(self._redis, decision.action_id))
        return decided

    async def _decide(self, decision: Decision) -> ExecutionEnvelope | None:
        waits = await find(self._redis, decision.action_id)
        if waits is None:
            return None
        now = await self._clock.now()
        if waits.expires_at is not None and now >= waits.expires_at:
            return await self._expire(waits)
        if decision.said == "reject":
            return await self._gate.refuse(waits, decision.words)
        return await self._gate.settle(waits.action, Approval(decision.who, decision.words, now))

    async def expire(self) -> None:
        """Reject what has waited for too long."""
        for action_id in await overdue(self._redis, await self._clock.now()):
            waits = await find(self._redis, action_id)
            if waits is None:  # decided at this moment, or it cannot be read
                await forget_deadline(self._redis, action_id)
            else:
                await self._expire(waits)

    async def _expire(self, waits: ExecutionEnvelope) -> ExecutionEnvelope | None:
        return await self._gate.refuse(waits, f"expired: nobody approved it before {waits.expires_at}")


class ApprovalClerk(ConsumerWorker):
    """The worker that carries out what people decide, and notices what nobody does."""

    def __init__(self, context: AppContext) -> None:
        super().__init__(context.consumer(GROUP, [APPROVALS], start=FROM_START))
        self._approvals = Approvals(context)

    async def run(self, stop: asyncio.Event) -> None:
        """Decide and expire until `stop` is set."""
        expiring = asyncio.create_task(self._expire(stop))
        try:
            await super().run(stop)
        finally:
            await cancelled([expiring])

    async def handle(self, entry: Entry) -> None:
        """Carry one decision out. One that comes too late is refused with a warning."""
        require_version(entry.payload, "the decision")
        try:
            decision = Decision.model_validate(entry.payload)
        except ValidationError as error:
            raise BadEntryError(f"the decision is not valid: {explain(error)}") from error
        try:
            await self._approvals.decide(decision)
        except ActionError as error:
            log.warning("decision_refused", action=decision.action_id, who=decision.who, reason=str(error))

    async def _expire(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self._approvals.expire()
            except Exception as error:  # noqa: BLE001 - what waits must not wait for ever because one look failed
                log.warning("approvals_not_expired", error=f"{type(error).__name__}: {error}")
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _LOOK_SECONDS)

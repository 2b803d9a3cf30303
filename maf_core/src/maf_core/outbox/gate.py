"""The risk gate: a chain of named checks, and one final execution for every action."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from maf_core.outbox.book import Approval, RiskBook
from maf_core.outbox.chain import chain_of
from maf_core.outbox.ledger import Ledger, Sent
from maf_core.outbox.models import CheckResult, ExecutionEnvelope, ExecutionStatus, TradingAction
from maf_core.outbox.pending import hold

if TYPE_CHECKING:
    from maf_core.context import AppContext

Results = dict[str, CheckResult]


class RiskGate:
    """Judges actions and publishes what became of them. All checks are asked, so that the execution tells everything.

    A check that looks at the action alone is asked once. One that goes by the books is asked again when they have
    changed before the execution was out.
    """

    def __init__(self, context: AppContext) -> None:
        self._redis = context.redis
        self._clock = context.clock
        self._engine = context.settings.execution.engine
        self._approval_ttl = timedelta(seconds=context.settings.risk.approval_ttl_s)
        self._ledger = Ledger(context.redis, context.settings.risk.loss_window_h)
        self._chain = chain_of(context)

    async def settle(self, action: TradingAction, approval: Approval | None = None) -> ExecutionEnvelope | None:
        """Judge an action, or one that a person has approved, and publish its execution.

        Gives the execution, or None when the action has its final one already, or waits for a person. Safe to repeat,
        and to do in several places at once.
        """
        alone: Results | None = None
        while (book := await self._ledger.read(action, approval)) is not None:
            alone = alone or await self._ask(action, book, by_book=False)
            answers = alone | await self._ask(action, book, by_book=True)
            execution = self._execution(action, [answers[check.name] for check in self._chain], book)
            if execution.status == "pending_approval":
                return await hold(self._redis, execution, await self._clock.now() + self._approval_ttl)
            sent = await self._publish(execution, book.mark)
            if sent is not Sent.CHANGED:
                return execution if sent is Sent.DONE else None
        return None

    async def refuse(self, waits: ExecutionEnvelope, reason: str) -> ExecutionEnvelope | None:
        """Reject an action that waits, without judging it again; None when it has its final execution already."""
        checks = [*waits.checks, CheckResult(name="approval", result="failed", reason=reason)]
        update = {"status": "rejected", "checks": checks, "published_at": datetime.now(UTC), "expires_at": None}
        refused = waits.model_copy(update=update)
        return refused if await self._publish(refused) is Sent.DONE else None

    async def _ask(self, action: TradingAction, book: RiskBook, *, by_book: bool) -> Results:
        return {check.name: await check.ask(action, book) for check in self._chain if check.by_book is by_book}

    async def _publish(self, execution: ExecutionEnvelope, mark: tuple[bytes, bytes] = (b"", b"")) -> Sent:
        sent = await self._ledger.publish(execution, mark)
        if sent is Sent.DONE and execution.status == "rejected":
            for check in self._chain:
                await check.withdraw(execution.action)
        return sent

    def _execution(self, action: TradingAction, results: list[CheckResult], book: RiskBook) -> ExecutionEnvelope:
        status = _status(results, approved=book.approval is not None)
        approved = status == "approved"
        return ExecutionEnvelope(
            action=action,
            status=status,
            checks=results,
            approved_by=(book.approval.who if book.approval else "risk_gate") if approved else "",
            published_at=datetime.now(UTC),
            engine=self._engine,
            exposure=action.sizing.size_fraction if approved and book.opens(action) else 0.0,
        )


def _status(results: list[CheckResult], *, approved: bool) -> ExecutionStatus:
    found = {result.result for result in results}
    if "failed" in found:
        return "rejected"
    return "pending_approval" if "needs_approval" in found and not approved else "approved"

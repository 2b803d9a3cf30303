"""Every action through the risk gate, and one final execution for each."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import ValidationError

from maf_core.errors import BadEntryError
from maf_core.outbox.models import CheckResult, ExecutionEnvelope, ExecutionStatus, TradingAction
from maf_core.records import RiskCheckSpec, by_priority
from maf_core.settings import explain
from maf_core.streams.consume import FROM_START, Entry
from maf_core.streams.names import ACTIONS, EXECUTIONS
from maf_core.streams.publish import publish_once
from maf_core.worker import ConsumerWorker

if TYPE_CHECKING:
    from maf_core.context import AppContext

log = structlog.get_logger(__name__)

GROUP = "maf:risk"


class RiskGate:
    """A chain of named checks. All are run, so that the execution tells everything there is to tell."""

    def __init__(self, context: AppContext) -> None:
        specs = by_priority(context.plugins.records("maf_risk_checks", RiskCheckSpec))
        self._timeout_s = context.settings.risk.check_timeout_s
        self._checks = [(spec.name, spec.load()(context)) for spec in specs]

    async def evaluate(self, action: TradingAction) -> ExecutionEnvelope:
        """Run all checks. One that fails rejects; one that itself breaks rejects too, with the reason."""
        results = [await self._run(name, check, action) for name, check in self._checks]
        status = _status(results)
        if status == "rejected":
            await self._withdraw(action)
        return ExecutionEnvelope(
            action=action,
            status=status,
            checks=results,
            approved_by="risk_gate" if status == "approved" else "",
            published_at=datetime.now(UTC),
        )

    async def _withdraw(self, action: TradingAction) -> None:
        """Let checks give back what they hold for an action that will not be traded."""
        for _, check in self._checks:
            if hasattr(check, "withdraw"):
                await check.withdraw(action)

    async def _run(self, name: str, check: Any, action: TradingAction) -> CheckResult:
        try:
            async with asyncio.timeout(self._timeout_s):
                result = _answer(await check.check(action))
        except Exception as error:
            # A check is a plugin's code; one that cannot answer must never let an action through.
            log.exception("risk_check_failed", check=name, arena_id=action.arena_id)
            return CheckResult(name=name, result="failed", reason=f"the check broke: {type(error).__name__}: {error}")
        return result


class ActionConsumer(ConsumerWorker):
    """The worker between the actions and the executions."""

    def __init__(self, context: AppContext) -> None:
        super().__init__(context.consumer(GROUP, [ACTIONS], start=FROM_START))
        self._redis = context.redis
        self._gate = RiskGate(context)

    async def handle(self, entry: Entry) -> None:
        """Judge one action and publish its execution, once."""
        try:
            action = TradingAction.model_validate(entry.payload)
        except ValidationError as error:
            raise BadEntryError(f"the action is not valid: {explain(error)}") from error
        execution = await self._gate.evaluate(action)
        # One action, one execution: the run names it, whatever was delivered twice.
        await publish_once(self._redis, EXECUTIONS, action.arena_id, execution.model_dump(mode="json"))


def _answer(result: Any) -> CheckResult:
    if not isinstance(result, CheckResult):
        raise TypeError(f"it answered {type(result).__name__}, not CheckResult")
    return result


def _status(results: list[CheckResult]) -> ExecutionStatus:
    found = {result.result for result in results}
    if "failed" in found:
        return "rejected"
    return "pending_approval" if "needs_approval" in found else "approved"

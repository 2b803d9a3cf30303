"""The core's risk checks on the action itself; those on the books are in `limits.py`.

Every check is made once and asked for every action. A check that only looks at the action has `check(action)`; one that
also has to know what is open and what went before has `check(action, book)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maf_core.outbox.book import RiskBook
from maf_core.outbox.models import CheckResult, TradingAction

if TYPE_CHECKING:
    from maf_core.context import AppContext


class Check:
    """Base of the core's checks: its limits, and the words for its answers."""

    name = ""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._limits = context.settings.risk

    def _passed(self, reason: str = "") -> CheckResult:
        return CheckResult(name=self.name, result="passed", reason=reason)

    def _failed(self, reason: str) -> CheckResult:
        return CheckResult(name=self.name, result="failed", reason=reason)

    def _skipped(self, reason: str) -> CheckResult:
        return CheckResult(name=self.name, result="skipped", reason=reason)

    def _off(self, setting: str) -> CheckResult:
        return self._skipped(f"{setting} is not set")


class ModeCheck(Check):
    """`auto` passes, `semi` waits for a person, `manual` is only recorded."""

    name = "mode"

    async def check(self, action: TradingAction, book: RiskBook) -> CheckResult:
        """Judge by the action's mode, and by whether a person has approved it."""
        if action.mode == "manual":
            return self._failed("manual mode: recorded, not executed")
        if action.mode == "semi" and action.verdict != "HOLD" and book.approval is None:
            return CheckResult(name=self.name, result="needs_approval", reason="semi mode: a person approves")
        return self._passed(book.approval.words if book.approval else "")


class MaxSizeCheck(Check):
    """The size is within `risk.max_size_fraction`."""

    name = "max_size"

    async def check(self, action: TradingAction) -> CheckResult:
        """Judge by the action's size."""
        size, limit = action.sizing.size_fraction, self._limits.max_size_fraction
        return self._passed() if size <= limit else self._failed(f"size {size:.3f} is over the limit {limit:.3f}")


class MinConfidenceCheck(Check):
    """A BUY or SELL is at least `risk.min_confidence` sure."""

    name = "min_confidence"

    async def check(self, action: TradingAction) -> CheckResult:
        """Judge by the action's confidence; a HOLD needs none."""
        confidence, least = action.sizing.confidence, self._limits.min_confidence
        if action.verdict == "HOLD" or confidence >= least:
            return self._passed()
        return self._failed(f"confidence {confidence:.3f} is under {least:.3f}")


class FreshInputsCheck(Check):
    """Nobody trades on a required input that was missing or old."""

    name = "fresh_inputs"

    async def check(self, action: TradingAction) -> CheckResult:
        """Judge by the gaps that the run reported; a HOLD needs no inputs."""
        gaps = action.meta.get("required_gaps", [])
        if action.verdict == "HOLD" or not gaps:
            return self._passed()
        return self._failed(f"required inputs were missing or old: {', '.join(gaps)}")


class MaxAgeCheck(Check):
    """Nobody trades on a decision older than `risk.max_age_s`."""

    name = "max_age"

    async def check(self, action: TradingAction) -> CheckResult:
        """Judge by the time between the decision and now, which is the replay's now while one holds the clock."""
        limit = self._limits.max_age_s
        if limit is None:
            return self._off("risk.max_age_s")
        age = ((await self._context.clock.now()) - action.as_of).total_seconds()
        if action.verdict == "HOLD" or age <= limit:
            return self._passed()
        return self._failed(f"decided {age:.0f} s ago, and the limit is {limit:.0f} s")

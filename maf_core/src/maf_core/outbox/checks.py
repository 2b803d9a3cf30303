"""The risk gate's own checks. Each says in words what it found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maf_core.outbox.models import CheckResult, TradingAction
from maf_core.streams.names import ACTIONS, beside
from maf_core.streams.publish import MARKER_SECONDS
from maf_core.streams.raw import text

if TYPE_CHECKING:
    from maf_core.context import AppContext


class _Check:
    name = ""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._limits = context.settings.risk

    def _passed(self, reason: str = "") -> CheckResult:
        return CheckResult(name=self.name, result="passed", reason=reason)

    def _failed(self, reason: str) -> CheckResult:
        return CheckResult(name=self.name, result="failed", reason=reason)


class ModeCheck(_Check):
    """`auto` passes, `semi` waits for a person, `manual` is only recorded."""

    name = "mode"

    async def check(self, action: TradingAction) -> CheckResult:
        """Judge by the action's mode."""
        if action.mode == "manual":
            return self._failed("manual mode: recorded, not executed")
        if action.mode == "semi":
            return CheckResult(name=self.name, result="needs_approval", reason="semi mode: a person approves")
        return self._passed()


class MaxSizeCheck(_Check):
    """The size is within `risk.max_size_fraction`."""

    name = "max_size"

    async def check(self, action: TradingAction) -> CheckResult:
        """Judge by the action's size."""
        size, limit = action.sizing.size_fraction, self._limits.max_size_fraction
        return self._passed() if size <= limit else self._failed(f"size {size:.3f} is over the limit {limit:.3f}")


class MinConfidenceCheck(_Check):
    """A BUY or SELL is at least `risk.min_confidence` sure."""

    name = "min_confidence"

    async def check(self, action: TradingAction) -> CheckResult:
        """Judge by the action's confidence; a HOLD needs none."""
        confidence, least = action.sizing.confidence, self._limits.min_confidence
        if action.verdict == "HOLD" or confidence >= least:
            return self._passed()
        return self._failed(f"confidence {confidence:.3f} is under {least:.3f}")


class FreshInputsCheck(_Check):
    """Nobody trades on a required input that was missing or old."""

    name = "fresh_inputs"

    async def check(self, action: TradingAction) -> CheckResult:
        """Judge by the gaps that the run reported; a HOLD needs no inputs."""
        gaps = action.meta.get("required_gaps", [])
        if action.verdict == "HOLD" or not gaps:
            return self._passed()
        return self._failed(f"required inputs were missing or old: {', '.join(gaps)}")


class DuplicateCheck(_Check):
    """One trade per arena, ticker and trade date; the first run to get here has it."""

    name = "duplicate"

    async def check(self, action: TradingAction) -> CheckResult:
        """Claim the (arena, ticker, trade date) for this run; asking again for the same run passes again."""
        if action.verdict == "HOLD":
            return self._passed()
        redis = self._context.redis
        before = await redis.set(_claim(action), action.arena_id, nx=True, get=True, ex=MARKER_SECONDS)
        if before is None or text(before) == action.arena_id:
            return self._passed()
        return self._failed(f"{action.target.ticker} was already traded for {action.target.trade_date}")

    async def withdraw(self, action: TradingAction) -> None:
        """Give the claim back: another check refused the action, so nothing was traded."""
        held = await self._context.redis.get(_claim(action))
        if held is not None and text(held) == action.arena_id:
            await self._context.redis.delete(_claim(action))


def _claim(action: TradingAction) -> str:
    return beside(ACTIONS, "traded", action.arena, action.target.ticker, action.target.trade_date)

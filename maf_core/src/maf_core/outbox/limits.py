"""The core's risk checks on the books: the trading state, and how much is open, went out and was lost.

What only reduces exposure is let through by every limit here: they exist to keep risk from growing, not from going.
"""

from __future__ import annotations

from maf_core.outbox.book import ROUNDING, RiskBook
from maf_core.outbox.checks import Check
from maf_core.outbox.models import CheckResult, TradingAction


class TradingStateCheck(Check):
    """HALTED: nothing is traded. REDUCING: only what closes an open position."""

    name = "trading_state"

    async def check(self, action: TradingAction, book: RiskBook) -> CheckResult:
        """Judge by the state at this moment; a HOLD trades nothing."""
        state = book.trading.state
        if action.verdict == "HOLD" or state == "ACTIVE" or (state == "REDUCING" and book.closes(action)):
            return self._passed(state)
        return self._failed(str(book.trading))


class _ReducingPasses(Check):
    """Base of the limits: asks `_judge` about what may add exposure, and only then."""

    async def check(self, action: TradingAction, book: RiskBook) -> CheckResult:
        """Judge an action that may add exposure."""
        if not book.opens(action):
            return self._passed("closes an open position" if book.closes(action) else "")
        return self._judge(action, book)

    def _judge(self, action: TradingAction, book: RiskBook) -> CheckResult:
        raise NotImplementedError


class DuplicateCheck(Check):
    """One trade per arena, ticker and trade date; the first run to go out has it."""

    name = "duplicate"

    async def check(self, action: TradingAction, book: RiskBook) -> CheckResult:
        """Judge by which run traded; a HOLD is no trade."""
        if action.verdict == "HOLD" or book.traded_by in (None, action.arena_id):
            return self._passed()
        return self._failed(f"{action.target.ticker} was already traded for {action.target.trade_date}")


class TickerExposureCheck(_ReducingPasses):
    """What is open in one ticker, this action included, is within `risk.max_ticker_exposure`."""

    name = "ticker_exposure"

    def _judge(self, action: TradingAction, book: RiskBook) -> CheckResult:
        limit, ticker = self._limits.max_ticker_exposure, action.target.ticker
        if limit is None:
            return self._off("risk.max_ticker_exposure")
        return self._room(book.exposure(ticker), action.sizing.size_fraction, limit, f"in {ticker}")

    def _room(self, held: float, size: float, limit: float, where: str) -> CheckResult:
        figures = f"{held:.3f} is open {where}; with {size:.3f} more it"
        if held + size <= limit + ROUNDING:
            return self._passed(f"{figures} is within {limit:.3f}")
        return self._failed(f"{figures} is over the limit {limit:.3f}")


class TotalExposureCheck(TickerExposureCheck):
    """Everything open, this action included, is within `risk.max_exposure`."""

    name = "total_exposure"

    def _judge(self, action: TradingAction, book: RiskBook) -> CheckResult:
        limit = self._limits.max_exposure
        if limit is None:
            return self._off("risk.max_exposure")
        return self._room(book.exposure(), action.sizing.size_fraction, limit, "in all")


class ActionsPerHourCheck(_ReducingPasses):
    """No more than `risk.max_actions_per_hour` go out within an hour, in the time of the data."""

    name = "actions_per_hour"

    def _judge(self, action: TradingAction, book: RiskBook) -> CheckResult:
        limit = self._limits.max_actions_per_hour
        if limit is None:
            return self._off("risk.max_actions_per_hour")
        if book.recent < limit:
            return self._passed()
        return self._failed(f"{book.recent} actions went out within an hour of it, and the limit is {limit}")


class LossLimitCheck(_ReducingPasses):
    """Nothing is opened while what was lost within `risk.loss_window_h` reaches `risk.max_loss`."""

    name = "loss_limit"

    def _judge(self, action: TradingAction, book: RiskBook) -> CheckResult:
        limit, hours = self._limits.max_loss, self._limits.loss_window_h
        if limit is None:
            return self._off("risk.max_loss")
        figures = f"{book.realised:+,.2f} realised within {hours:g} h; the limit is a loss of {limit:,.2f}"
        return self._failed(figures) if book.realised <= -limit else self._passed(figures)

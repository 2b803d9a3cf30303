"""The checks as plugins gave them, asked so that nothing one of them does lets an action through."""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import dataclass
from typing import Any

import structlog

from maf_core.context import AppContext
from maf_core.outbox.book import RiskBook
from maf_core.outbox.models import CheckResult, TradingAction
from maf_core.plugins.readers import Contribution
from maf_core.records import RiskCheckSpec, by_priority

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class NamedCheck:
    """A check under its name. `origin`: the plugin and distribution to blame. `by_book`: it is asked with the books."""

    name: str
    origin: str
    check: Any
    by_book: bool
    timeout_s: float

    async def ask(self, action: TradingAction, book: RiskBook) -> CheckResult:
        """The check's answer. One that raises, takes too long or answers anything else has failed, with the reason."""
        if self.by_book and book.fault:
            return self._failed(book.fault)
        known = (book,) if self.by_book else ()
        try:
            async with asyncio.timeout(self.timeout_s):
                return self._answer(await self.check.check(action, *known))
        except TimeoutError:
            return self._broken(action, f"it took longer than {self.timeout_s:g} s")
        except Exception as error:  # noqa: BLE001
            # A check is a plugin's code; one that cannot answer must never let an action through.
            return self._broken(action, f"{type(error).__name__}: {error}")

    async def withdraw(self, action: TradingAction) -> None:
        """Let the check give back what it holds for an action that will not be traded, if it holds anything."""
        if not hasattr(self.check, "withdraw"):
            return
        try:
            async with asyncio.timeout(self.timeout_s):
                await self.check.withdraw(action)
        except Exception:
            log.exception("risk_check_not_withdrawn", check=self.name, origin=self.origin, arena_id=action.arena_id)

    def _answer(self, answer: Any) -> CheckResult:
        if not isinstance(answer, CheckResult):
            raise TypeError(f"it answered {type(answer).__name__}, not CheckResult")
        if answer.name != self.name:
            raise ValueError(f"it answered as {answer.name!r}")
        return CheckResult.model_validate(vars(answer))  # it may have been made without validation

    def _broken(self, action: TradingAction, what: str) -> CheckResult:
        log.exception("risk_check_broke", check=self.name, origin=self.origin, arena_id=action.arena_id)
        return self._failed(f"the check of {self.origin} broke: {what}")

    def _failed(self, reason: str) -> CheckResult:
        return CheckResult(name=self.name, result="failed", reason=reason)


class _Unmade:
    """Stands for a check that could not be made."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def check(self, action: TradingAction) -> CheckResult:
        """Raise what making it raised."""
        raise self._error


def chain_of(context: AppContext) -> list[NamedCheck]:
    """All checks, in their order. One that cannot be made fails every action; leaving it out would be less safe."""
    given = {one.record.name: one for one in context.plugins.given("maf_risk_checks")}
    specs = by_priority(context.plugins.records("maf_risk_checks", RiskCheckSpec))
    return [_named(context, spec, given[spec.name]) for spec in specs]


def wants_book(check: Any) -> bool:
    """Whether a check is asked as `check(action, book)`, not as `check(action)`."""
    return len(inspect.signature(check.check).parameters) > 1


def _named(context: AppContext, spec: RiskCheckSpec, given: Contribution) -> NamedCheck:
    origin = f"plugin {given.plugin} ({given.distribution})"
    try:
        check = spec.load()(context)
        by_book = wants_book(check)
    except Exception as error:
        log.exception("risk_check_not_made", check=spec.name, origin=origin)
        check, by_book = _Unmade(error), False
    return NamedCheck(spec.name, origin, check, by_book, context.settings.risk.check_timeout_s)

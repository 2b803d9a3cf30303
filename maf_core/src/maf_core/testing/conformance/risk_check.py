"""The rules for risk checks."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest

from maf_core.context import AppContext
from maf_core.outbox.book import RiskBook
from maf_core.outbox.chain import wants_book
from maf_core.outbox.models import CheckResult, TradingAction
from maf_core.outbox.trading import TradingState
from maf_core.records import RiskCheckSpec
from maf_core.testing.conformance.base import Conformance

MakeAction = Callable[..., TradingAction]


class RiskCheckConformance(Conformance):
    """Rules for a check of the risk gate.

    Must: `name`. May: `actions`, `plugins`, `sections`. Never: `check`.
    """

    @pytest.fixture
    def actions(self) -> list[TradingAction]:
        """May: the actions to try it on; by default every verdict, mode and size, from the harmless to the daring."""
        return list(_sample())

    @pytest.fixture
    def check(self, context: AppContext) -> Any:
        """Never: made as the risk gate makes it."""
        return context.plugins.get("maf_risk_checks", RiskCheckSpec, self.name).load()(context)

    def test_k01_factory(self, check: Any) -> None:
        """MAF-K01 The factory takes the `AppContext` and gives an object with `async check(action[, book])`.

        It is made when the service starts, and called when the first action comes.
        """
        assert inspect.iscoroutinefunction(getattr(check, "check", None))

    @pytest.mark.asyncio
    async def test_k02_answers(self, check: Any, context: AppContext, actions: list[TradingAction]) -> None:
        """MAF-K02 It answers every action with a `CheckResult` under its own name, in time.

        A check that raises or takes too long rejects the action, whatever it is.
        """
        for action in actions:
            async with asyncio.timeout(context.settings.risk.check_timeout_s):
                result = await _asked(check, action)
            assert isinstance(result, CheckResult), f"it answered {type(result).__name__}"
            assert result.name == self.name, f"it answers as {result.name!r}"

    @pytest.mark.asyncio
    async def test_k03_reasons(self, check: Any, actions: list[TradingAction]) -> None:
        """MAF-K03 What does not pass has a reason.

        The execution tells it to whoever asks why nothing was traded.
        """
        results = [await _asked(check, action) for action in actions]
        assert not [result for result in results if result.result != "passed" and not result.reason.strip()]

    @pytest.mark.asyncio
    async def test_k04_repeatable(self, check: Any, actions: list[TradingAction]) -> None:
        """MAF-K04 The same action gets the same answer twice.

        An action that is delivered again must not be judged by what its first judgement left behind.
        """
        for action in actions:
            assert await _asked(check, action) == await _asked(check, action)

    @pytest.mark.asyncio
    async def test_k05_withdraws(self, check: Any, actions: list[TradingAction]) -> None:
        """MAF-K05 After `withdraw(action)`, where it has one, another run's action is judged as the first was.

        An action that another check refused was not traded, and must not stand in the way of the next.
        """
        if not hasattr(check, "withdraw"):
            return
        for action in actions:
            first = await _asked(check, action)
            await check.withdraw(action)
            second = action.model_copy(update={"arena_id": f"{action.arena_id}-later"})
            assert await _asked(check, second) == first
            await check.withdraw(second)


async def _asked(check: Any, action: TradingAction) -> Any:
    """What it answers, with nothing open and nothing gone before if it wants to know."""
    known = [RiskBook(TradingState(state="ACTIVE"))] if wants_book(check) else []
    return await check.check(action, *known)


def _sample() -> Iterator[TradingAction]:
    cases = product(("BUY", "HOLD", "SELL"), ("auto", "semi", "manual"), (0.0, 1.0), ([], ["no_prices"]))
    for number, (verdict, mode, strength, gaps) in enumerate(cases):
        yield TradingAction.model_validate(
            {
                "arena": "conformance",
                "arena_id": f"conformance-{number}",
                "correlation_id": str(number),
                "published_at": datetime(2024, 1, 2, 21, tzinfo=UTC),
                "target": {"ticker": f"T{number}", "trade_date": "2024-01-02"},
                "verdict": verdict,
                "mode": mode,
                "sizing": {"confidence": strength, "ensemble_score": strength, "size_fraction": strength},
                "meta": {"required_gaps": gaps},
            }
        )

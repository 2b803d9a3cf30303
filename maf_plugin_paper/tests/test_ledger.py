"""The rules of the broker, over any sequence of orders and bars."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maf_core import Bar
from maf_plugin_paper.account import Account, Order
from maf_plugin_paper.config import PaperSettings
from maf_plugin_paper.ledger import Step, accept, on_bars

START = datetime(2012, 6, 1, 4, tzinfo=UTC)
COSTS = PaperSettings()


def order_of(hour: int, side: str, *, ticker: str = "AAPL", size: float = 0.2, run: str = "") -> Order:
    run = run or f"run-{hour}"
    return Order(
        arena="trading",
        arena_id=run,
        correlation_id=f"{run}-c",
        ticker=ticker,
        side=side,
        size_fraction=size,
        as_of=START + timedelta(hours=hour),
        execution="1-0",
    )


def bar_of(hour: int, o: float = 100.0, *, ticker: str = "AAPL", c: float | None = None) -> Bar:
    """An hour's bar, known at its end."""
    close = o if c is None else c
    opened = START + timedelta(hours=hour)
    high, low = max(o, close) * 1.01, min(o, close) * 0.99
    return Bar(ticker, "1h", opened, o, high, low, close, 0.0, opened + timedelta(hours=1))


class Book:
    """An account and everything that was published about it."""

    def __init__(self) -> None:
        self.account = Account.opened(100_000.0)
        self.outcomes: list[dict] = []

    def take(self, step: Step) -> Step:
        self.account = step.account
        self.outcomes += step.outcomes
        return step

    def order(self, hour: int, side: str, **changes) -> Step:
        return self.take(accept(self.account, order_of(hour, side, **changes)))

    def bar(self, hour: int, o: float = 100.0, **changes) -> Step:
        return self.take(on_bars(self.account, [bar_of(hour, o, **changes)], COSTS))

    def of_kind(self, kind: str) -> list[dict]:
        return [outcome for outcome in self.outcomes if outcome["kind"] == kind]

    def reasons(self) -> list[tuple[str, str]]:
        return [(outcome["arena_id"], outcome["reason"]) for outcome in self.of_kind("dropped")]


tickers = st.sampled_from(["AAPL", "MSFT"])
prices = st.floats(0.5, 5_000)
orders = st.tuples(st.just("order"), tickers, st.sampled_from(["BUY", "SELL"]), st.floats(0, 1))
new_bars = st.tuples(st.just("bar"), tickers, prices, prices)


@given(st.lists(orders | new_bars, max_size=40))
def test_the_books_balance_whatever_happens(events):
    book = Book()
    for hour, (kind, ticker, first, second) in enumerate(events):
        if kind == "order":
            book.order(hour, first, ticker=ticker, size=second)
        else:
            bar = bar_of(hour, first, ticker=ticker, c=second)
            book.bar(hour, first, ticker=ticker, c=second)
            assert on_bars(book.account, [bar], COSTS) == Step(book.account), "the same bar again does nothing"
        assert_balanced(book)
    ends = Counter(outcome["arena_id"] for outcome in book.outcomes if outcome["kind"] != "close")
    waiting = Counter(order.arena_id for order in book.account.waiting.values())
    asked = {f"run-{hour}": 1 for hour, event in enumerate(events) if event[0] == "order"}
    assert ends + waiting == Counter(asked), "every order has one end, or waits"


def assert_balanced(book: Book) -> None:
    account, fills, closes = book.account, book.of_kind("fill"), book.of_kind("close")
    bought = sum(fill["value"] + fill["fee"] for fill in fills if fill["side"] == "BUY")
    sold = sum(fill["value"] - fill["fee"] for fill in fills if fill["side"] == "SELL")
    profit = sum(close["pnl"] for close in closes)
    assert account.cash >= 0
    assert account.cash == pytest.approx(100_000 - bought + sold, abs=1e-6)
    assert account.realized == pytest.approx(profit, abs=1e-6)
    assert account.equity == pytest.approx(100_000 + profit + account.unrealized, abs=1e-6)
    assert account.fees == pytest.approx(sum(fill["fee"] for fill in fills), abs=1e-6)
    assert account.slippage == pytest.approx(sum(fill["slippage"] for fill in fills), abs=1e-6)
    assert (account.fills, account.closes) == (len(fills), len(closes))
    assert account.wins == sum(close["pnl"] > 0 for close in closes)
    assert Account.model_validate_json(account.model_dump_json()) == account


def test_a_trade_from_order_to_close():
    book = Book()
    book.order(1, "BUY", size=0.1)
    assert book.bar(0).outcomes == (), "the bar that caused the decision does not fill it"
    book.bar(1, 100.0, c=104.0)
    assert book.account.equity == pytest.approx(100_000 - 1 + 0.99980 * 400 - 2, abs=0.05)
    book.order(2, "SELL")
    book.bar(5, 110.0)
    close = book.of_kind("close")[0]
    assert (close["arena_id"], close["closing_arena_id"]) == ("run-1", "run-2")
    assert close["holding_days"] == pytest.approx(4 / 24, abs=1e-4)
    assert close["pnl"] == pytest.approx(10_000 * (110 * 0.9998 / 100.02 - 1) - 2.1, abs=0.05)
    assert close["return"] == pytest.approx(close["pnl"] / 10_001, abs=1e-6)
    assert book.account.positions == {}


def test_a_bar_that_was_under_way_at_the_decision_fills_nothing():
    book = Book()
    book.take(accept(book.account, order_of(0, "BUY").model_copy(update={"as_of": START + timedelta(minutes=90)})))
    assert book.bar(1, 50.0).outcomes == ()
    (fill,) = book.bar(2, 100.0).outcomes
    assert fill["price"] == pytest.approx(100.02)


def test_size_is_of_the_equity_at_the_decision():
    book = Book()
    book.order(1, "BUY", size=0.5)
    book.bar(1, c=200.0)
    book.order(2, "BUY", ticker="MSFT", size=0.2)
    book.bar(2, 50.0)
    book.bar(3, ticker="MSFT")
    assert book.of_kind("fill")[1]["value"] == pytest.approx(0.2 * 150_000, abs=5)


def test_what_there_is_no_cash_for_is_dropped():
    book = Book()
    book.order(1, "BUY", size=1.0)
    book.bar(1)
    book.order(2, "BUY", ticker="MSFT", size=0.5)
    book.bar(2, ticker="MSFT")
    assert [fill["ticker"] for fill in book.of_kind("fill")] == ["AAPL"]
    assert book.reasons()[0][1].startswith("nothing to buy with: size 0.5")
    assert book.account.follows("MSFT") is False


def test_orders_that_ask_for_what_is_are_dropped():
    book = Book()
    book.order(0, "SELL")
    book.order(1, "BUY")
    book.bar(1)
    book.order(2, "BUY")
    assert book.reasons() == [("run-0", "nothing to sell"), ("run-2", "already long")]


def test_a_second_order_replaces_the_one_that_waits():
    book = Book()
    book.order(1, "BUY", size=0.1)
    book.order(2, "BUY", size=0.3)
    book.bar(3)
    assert book.reasons() == [("run-1", "replaced by run-2")]
    assert book.of_kind("fill")[0]["value"] == pytest.approx(30_000, abs=1)


def test_a_decision_that_arrives_late_does_not_undo_a_newer_one():
    book = Book()
    book.order(5, "BUY", run="newer")
    book.bar(5)
    book.order(2, "SELL", run="older")
    assert book.account.follows("AAPL")
    assert book.reasons()[0][0] == "older"
    assert book.reasons()[0][1].startswith("overtaken by the decision of 2012-06-01T09:00")


def test_a_late_bar_does_not_close_what_opened_after_it():
    book = Book()
    book.order(1, "BUY")
    book.bar(8)
    book.order(1, "SELL", run="close")
    assert book.bar(4).outcomes == ()
    book.bar(9)
    assert [close["closing_arena_id"] for close in book.of_kind("close")] == ["close"]


def test_marks_follow_the_newest_close_only():
    book = Book()
    book.order(0, "BUY")
    book.bar(0)
    book.bar(2, 120.0)
    book.bar(1, 50.0)
    assert book.account.positions["AAPL"].last_price == 120.0
